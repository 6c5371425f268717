//! The tests of the crate in one program, since each program costs a link.

mod boundaries;
mod causes;
mod corpus;
mod gaps;
mod gate;
mod legal;
mod ordinary;
mod reports;
mod robust;
mod settled;
mod torn;
mod whole;
mod work;
