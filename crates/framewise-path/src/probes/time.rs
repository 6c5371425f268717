use std::time::Duration;

use framewise_proto::Opcode;
use framewise_rules::Role;

use super::{SIDES, frame, marker, send};
use crate::end::Step;
use crate::probe::{Group, Measure, Probe};
use crate::report::Severity;

/// Places the parts of the side that acts, and of the other.
fn sides(probe: &mut Probe, from: Role, acts: Vec<Step>, other: Vec<Step>) {
    (probe.client, probe.server) = match from {
        Role::Client => (acts, other),
        Role::Server => (other, acts),
    };
}

pub(super) fn ends() -> Vec<Probe> {
    let mut probes = Vec::new();
    for from in SIDES {
        let back = marker(from.peer());
        for (name, step, says) in [
            ("fin", Step::Shut, "ends its stream without a Close"),
            ("reset", Step::Reset, "resets the connection"),
        ] {
            let says = format!("the {from} {says}, and the other end notices");
            let mut probe = Probe::new(Group::End, format!("{name}-{from}"), says)
                .hurts("the other end: it keeps a dead connection and its memory")
                .severity(Severity::Warning);
            let acts = vec![send(&[marker(from)]), Step::Await(1), step];
            sides(&mut probe, from, acts, vec![Step::Await(1), Step::Send(back.clone()), Step::AwaitEnd]);
            probes.push(probe);
        }
        // An intermediary that reads frames may drop what is not complete.
        let says =
            format!("the {from} ends its stream inside a frame, and the other end gets the part and the end");
        let mut inside = Probe::new(Group::End, format!("inside-frame-{from}"), says)
            .hurts("nobody in particular: it shows whether the intermediary reads frames")
            .informs();
        let mut part = frame(from, Opcode::Binary, vec![7; 100]);
        part.truncate(50);
        let acts = vec![send(&[marker(from)]), Step::Await(1), Step::Send(part), Step::Shut];
        sides(&mut inside, from, acts, vec![Step::Await(1), Step::Send(back.clone()), Step::AwaitEnd]);
        probes.push(inside);
        let says = format!(
            "the {} ends its stream without a Close, and what the {from} sends after that still arrives",
            from.peer()
        );
        let mut probe = Probe::new(Group::End, format!("half-close-{from}"), says)
            .hurts("endpoints that end their stream before the other one has sent everything")
            .severity(Severity::Note);
        probe.measure = Measure::HalfClose;
        let late = Step::Send(frame(from, Opcode::Text, "after the end of the other stream"));
        let acts = vec![send(&[marker(from)]), Step::Await(1), Step::AwaitEnd, late, Step::Shut];
        sides(
            &mut probe,
            from,
            acts,
            vec![Step::Send(back), Step::Await(1), Step::Shut, Step::Await(2), Step::AwaitEnd],
        );
        probes.push(probe);
    }
    probes
}

pub(super) fn probes() -> Vec<Probe> {
    let mut probes = Vec::new();
    for from in SIDES {
        let says =
            format!("twenty small frames of the {from}, 25 ms apart, arrive one by one and without delay");
        let mut probe = Probe::new(Group::Time, format!("small-frames-{from}"), says)
            .hurts("chats, games, tokens of a language model: they arrive in bursts")
            .severity(Severity::Warning);
        let mut steps = Vec::new();
        for number in 0..20 {
            steps.push(Step::Send(frame(from, Opcode::Text, format!("small {number}"))));
            steps.push(Step::Idle(Duration::from_millis(25)));
        }
        probe = probe.from(from, steps, 20);
        probe.alone = true;
        probe.measure = Measure::Delay;
        probe.deadline = Duration::from_secs(8);
        probes.push(probe);
    }
    for from in SIDES {
        let says = format!("4 MiB of the {from} in frames of 16 KiB arrive");
        let mut probe =
            Probe::new(Group::Time, format!("throughput-{from}"), says).hurts("applications that send a lot");
        let flood = Step::Flood { from, size: 16 << 10, count: 256 };
        probe = probe.from(from, vec![flood, send(&[marker(from)])], 257);
        probe.measure = Measure::Throughput;
        probe.alone = true;
        probe.deadline = Duration::from_secs(10);
        probes.push(probe);
    }
    for from in SIDES {
        let says = format!(
            "the {} reads nothing for a second while the {from} sends 16 MiB, and then all of it arrives",
            from.peer()
        );
        let mut probe = Probe::new(Group::Time, format!("slow-reader-{from}"), says)
            .hurts("slow clients: their connection breaks under load");
        let acts = vec![Step::Flood { from, size: 64 << 10, count: 256 }, send(&[marker(from)])];
        sides(
            &mut probe,
            from,
            acts,
            vec![Step::StopReading, Step::Idle(Duration::from_secs(1)), Step::Await(257)],
        );
        probe.measure = Measure::Backlog;
        probe.alone = true;
        probe.deadline = Duration::from_secs(15);
        probes.push(probe);
    }
    let mut order =
        Probe::new(Group::Time, "both-directions", "500 frames in each direction at once arrive in order")
            .hurts("every application");
    let all = |from: Role| {
        (0..500).map(|n| frame(from, Opcode::Text, format!("number {n}"))).collect::<Vec<_>>().concat()
    };
    order.client = vec![Step::Send(all(Role::Client)), Step::Await(500)];
    order.server = vec![Step::Send(all(Role::Server)), Step::Await(500)];
    probes.push(order);
    let mut many = Probe::new(Group::Time, "many-connections", "50 connections opened at once all work")
        .hurts("everybody as soon as there is load")
        .severity(Severity::Warning);
    many.client = vec![send(&[marker(Role::Client)]), Step::Await(1)];
    many.server = vec![send(&[marker(Role::Server)]), Step::Await(1)];
    many.connections = 50;
    many.alone = true;
    many.deadline = Duration::from_secs(8);
    probes.push(many);
    probes
}

pub(super) fn idle(steps: &[Duration]) -> Vec<Probe> {
    let mut probes = Vec::new();
    let probe = |name: String, says: String, time: Duration| {
        let mut probe = Probe::new(Group::Idle, name, says)
            .hurts("connections that are quiet: they end with 1006, or hang")
            .severity(Severity::Warning);
        probe.deadline = time + Duration::from_secs(5);
        probe
    };
    let exchange = |from: Role| vec![send(&[marker(from)]), Step::Await(1)];
    let named = |time: Duration| format!("{}s", time.as_secs_f64());
    for &time in steps {
        let mut probe =
            probe(named(time), format!("the connection lives through {} of silence", named(time)), time);
        probe.client =
            [exchange(Role::Client), vec![Step::Idle(time), send(&[marker(Role::Client)]), Step::Await(2)]]
                .concat();
        probe.server = [exchange(Role::Server), vec![Step::Await(2), send(&[marker(Role::Server)])]].concat();
        probes.push(probe);
    }
    let Some(&longest) = steps.iter().max() else { return probes };
    for from in SIDES {
        // Shorter than the usual time-outs, and a few of them also where the longest silence is short.
        let every = (longest / 5).min(Duration::from_secs(20));
        let pings = (longest.as_millis() / every.as_millis().max(1)) as usize;
        let says = format!(
            "the connection lives for {} with a Ping of the {from} every {}",
            named(longest),
            named(every)
        );
        let mut probe = probe(format!("{}-pings-{from}", named(longest)), says, longest);
        let mut acts = exchange(from);
        for _ in 0..pings {
            acts.push(Step::Idle(every));
            acts.push(Step::Send(frame(from, Opcode::Ping, "alive")));
        }
        acts.extend([send(&[marker(from)]), Step::Await(2)]);
        let other =
            [exchange(from.peer()), vec![Step::Await(pings + 2), send(&[marker(from.peer())])]].concat();
        sides(&mut probe, from, acts, other);
        probes.push(probe);
    }
    let both = |every: Duration, opcode: Opcode| {
        let count = (longest.as_millis() / every.as_millis().max(1)) as usize;
        SIDES.map(|from| {
            let mut acts = exchange(from);
            for _ in 0..count {
                acts.extend([Step::Idle(every), Step::Send(frame(from, opcode, "alive"))]);
            }
            acts.extend([send(&[marker(from)]), Step::Await(count + 2)]);
            acts
        })
    };
    let every = (longest / 5).min(Duration::from_secs(20));
    let says = format!(
        "the connection lives for {} with Pings in both directions every {}",
        named(longest),
        named(every)
    );
    let mut pings = probe(format!("{}-pings-both", named(longest)), says, longest);
    [pings.client, pings.server] = both(every, Opcode::Ping);
    probes.push(pings);
    let every = (longest / 10).min(Duration::from_secs(1));
    let says = format!(
        "the connection lives for {} while both ends send a message every {}",
        named(longest),
        named(every)
    );
    let mut busy = probe(format!("{}-busy", named(longest)), says, longest)
        .hurts("connections that live long, whatever their keepalive");
    [busy.client, busy.server] = both(every, Opcode::Text);
    busy.measure = Measure::Life;
    probes.push(busy);
    probes
}

/// What becomes of a connection while a command has the intermediary take another configuration, and of one opened afterwards.
pub(super) fn reload(command: &str) -> Vec<Probe> {
    let exchange = |from: Role| vec![send(&[marker(from)]), Step::Await(1)];
    let mut open =
        Probe::new(Group::Time, "reload", "an open connection lives through a reload of the intermediary")
            .hurts("every open connection at each deployment: all clients connect again at once")
            .severity(Severity::Warning);
    let again = |from: Role| vec![send(&[marker(from)]), Step::Await(2)];
    let command = Step::Run(command.to_owned());
    let settle = Step::Idle(Duration::from_secs(1));
    open.client = [exchange(Role::Client), vec![command, settle], again(Role::Client)].concat();
    open.server = [exchange(Role::Server), vec![Step::Await(2)], again(Role::Server)].concat();
    open.measure = Measure::Reload;
    open.deadline = Duration::from_secs(30);
    let mut after = Probe::new(Group::Time, "after-reload", "a connection opened after the reload works")
        .hurts("every client");
    (after.client, after.server) = (exchange(Role::Client), exchange(Role::Server));
    let mut probes = vec![open, after];
    for probe in &mut probes {
        probe.alone = true;
    }
    probes
}
