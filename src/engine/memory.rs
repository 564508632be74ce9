//! What the program takes of the machine's memory.

/// The memory that this process holds now, in MB, where the system tells (Linux).
pub(super) fn held_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kilobytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes / 1024.0)
}

/// The memory that could be taken now without other programs being put out, in bytes, where the system tells (Linux):
/// what the machine has left, or what the group of processes may still take, where that is less.
pub(super) fn free_bytes() -> Option<usize> {
    let machine = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = machine.lines().find(|line| line.starts_with("MemAvailable:"))?;
    let machine = line.split_whitespace().nth(1)?.parse::<usize>().ok()? << 10;
    let number = |name: &str| std::fs::read_to_string(format!("/sys/fs/cgroup/{name}")).ok()?.trim().parse().ok();
    let group = number("memory.max").zip(number("memory.current"));
    Some(group.map_or(machine, |(most, taken): (usize, usize)| machine.min(most.saturating_sub(taken))))
}
