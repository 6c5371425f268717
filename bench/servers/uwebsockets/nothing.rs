//! Only there because a package needs a target.
