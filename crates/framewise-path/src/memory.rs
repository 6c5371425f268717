//! The memory of the intermediary, where it runs on this machine: what Linux says of its process and those that it started.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

/// How often the memory is looked at.
const EVERY: Duration = Duration::from_millis(20);

/// Looks at the memory of a process until it is asked for the most.
#[derive(Debug)]
pub(crate) struct Watch {
    before: u64,
    most: tokio::sync::watch::Receiver<u64>,
    task: JoinHandle<()>,
}

impl Watch {
    /// Begins to look at a process; `None` where the system does not say.
    pub(crate) fn new(process: u32) -> Option<Self> {
        let before = resident(process)?;
        let (told, most) = tokio::sync::watch::channel(before);
        let task = tokio::spawn(async move {
            let mut ticks = interval(EVERY);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                if let Some(now) = resident(process) {
                    told.send_modify(|most| *most = now.max(*most));
                }
            }
        });
        Some(Self { before, most, task })
    }

    /// By how many bytes the memory grew at the most.
    pub(crate) fn grew(&self) -> u64 {
        *self.most.borrow() - self.before
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Bytes of memory in use by a process and its descendants; `None` where there is no such process, or no /proc.
fn resident(process: u32) -> Option<u64> {
    const KIB: u64 = 1024;
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for entry in fs::read_dir("/proc").ok()?.flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        // The name, in brackets, may have spaces; the state and the parent come after it.
        let parent =
            stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse::<u32>().ok());
        children.entry(parent.unwrap_or_default()).or_default().push(id);
    }
    let size = |id: u32| {
        let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        Some(line.split_whitespace().next()?.parse::<u64>().ok()? * KIB)
    };
    let mut sum = size(process)?;
    let mut due = children.remove(&process).unwrap_or_default();
    while let Some(id) = due.pop() {
        sum += size(id).unwrap_or(0);
        due.extend(children.remove(&id).unwrap_or_default());
    }
    Some(sum)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn memory_that_a_process_takes_is_seen_and_a_process_that_is_none_is_not() {
        let me = std::process::id();
        let watch = Watch::new(me).expect("this process");
        let taken = vec![1_u8; 64 << 20];
        let mut most = watch.most.clone();
        most.wait_for(|&most| most >= watch.before + (48 << 20)).await.expect("it is seen");
        assert!(taken.iter().all(|&byte| byte == 1) && watch.grew() >= 48 << 20, "{}", watch.grew());
        assert!(Watch::new(u32::MAX).is_none());
    }
}
