//! How many replicas each ReplicaSet of a Deployment should have next. Pure arithmetic.

use serde_json::Value;

use crate::object;

/// One ReplicaSet's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) wanted: i64,
    pub(super) present: i64,
    pub(super) available: i64,
}

/// What a Deployment allows while it rolls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) wanted: i64,
    pub(super) surge: i64,
    pub(super) unavailable: i64,
}

/// The next numbers of the old sets, oldest first, and of the new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) old: Vec<i64>,
    pub(super) new: i64,
}

impl Limits {
    pub(super) fn of(deployment: &Value) -> Self {
        let wanted = object::number(deployment, "/spec/replicas");
        if object::text(deployment, "/spec/strategy/type") == "Recreate" {
            return Self { wanted, surge: 0, unavailable: wanted };
        }
        let rolling = &deployment["spec"]["strategy"]["rollingUpdate"];
        let surge = share(&rolling["maxSurge"], wanted, true);
        let mut unavailable = share(&rolling["maxUnavailable"], wanted, false).min(wanted);
        if surge == 0 && unavailable == 0 {
            // Otherwise nothing could ever move.
            unavailable = 1;
        }
        Self { wanted, surge, unavailable }
    }
}

/// A number, or a percentage of `whole`.
fn share(value: &Value, whole: i64, round_up: bool) -> i64 {
    match value {
        Value::String(text) => {
            let percent: i64 = text.trim_end_matches('%').parse().unwrap_or(25);
            if round_up { (whole * percent + 99) / 100 } else { whole * percent / 100 }
        }
        other => other.as_i64().unwrap_or_default().max(0),
    }
}

/// A rolling update: the new set grows as far as the surge allows, the old ones shrink as far as availability allows.
pub(super) fn roll(limits: &Limits, new: Option<Counts>, old: &[Counts]) -> Plan {
    let Some(new) = new else { return scale_only(limits, None, old) };
    let total: i64 = new.wanted + old.iter().map(|c| c.wanted).sum::<i64>();
    let room = (limits.wanted + limits.surge - total).max(0);
    let grown = if new.wanted >= limits.wanted { limits.wanted } else { (new.wanted + room).min(limits.wanted) };

    let least = limits.wanted - limits.unavailable;
    let mut next: Vec<i64> = old.iter().map(|c| c.wanted).collect();
    // Replicas that are not available help nobody: they go first, as long as enough others could stand in.
    let unavailable_new = (new.wanted - new.available).max(0);
    let mut may_go = (total - least - unavailable_new).max(0);
    for (next, counts) in next.iter_mut().zip(old) {
        let gone = (counts.wanted - counts.available).clamp(0, may_go);
        *next -= gone;
        may_go -= gone;
    }
    let available: i64 = new.available + old.iter().zip(&next).map(|(c, n)| c.available.min(*n)).sum::<i64>();
    let mut may_go = (available - least).max(0);
    for next in &mut next {
        let gone = (*next).min(may_go);
        *next -= gone;
        may_go -= gone;
    }
    Plan { old: next, new: grown }
}

/// All old replicas go before the first new one comes.
pub(super) fn recreate(limits: &Limits, new: Option<Counts>, old: &[Counts]) -> Plan {
    let clear = old.iter().all(|c| c.wanted == 0 && c.present == 0);
    let new = new.map_or(0, |c| if clear { limits.wanted } else { c.wanted });
    Plan { old: vec![0; old.len()], new }
}

/// No replica moves between sets: the newest that has any gets the wanted number.
pub(super) fn scale_only(limits: &Limits, new: Option<Counts>, old: &[Counts]) -> Plan {
    let mut next: Vec<i64> = old.iter().map(|c| c.wanted).collect();
    let rest: i64 = next.iter().sum();
    if new.is_some() {
        return Plan { new: (limits.wanted - rest).max(0), old: next };
    }
    if let Some(last) = next.iter().rposition(|n| *n > 0) {
        let others: i64 = next.iter().enumerate().filter(|(at, _)| *at != last).map(|(_, n)| n).sum();
        next[last] = (limits.wanted - others).max(0);
    }
    Plan { old: next, new: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(wanted: i64, available: i64) -> Counts {
        Counts { wanted, present: wanted, available }
    }

    #[test]
    fn a_rolling_update_never_goes_below_what_must_be_available_and_ends_at_the_new_set() {
        for wanted in 0..12 {
            let limits = Limits { wanted, surge: (wanted + 3) / 4, unavailable: wanted / 4 };
            let (mut new, mut old) = (set(0, 0), set(wanted, wanted));
            let mut steps = 0;
            while (new.wanted, new.available, old.wanted) != (wanted, wanted, 0) {
                let plan = roll(&limits, Some(new), &[old]);
                assert!(plan.new + plan.old[0] <= wanted + limits.surge, "too many: {plan:?}");
                old = set(plan.old[0], plan.old[0].min(old.available));
                assert!(new.available + old.available >= wanted - limits.unavailable, "too few: {plan:?}");
                new = set(plan.new, new.wanted);
                steps += 1;
                assert!(steps < 50, "{wanted} replicas do not get anywhere");
            }
        }
    }

    #[test]
    fn a_new_set_that_fails_does_not_take_the_old_ones_replicas() {
        let limits = Limits { wanted: 1, surge: 1, unavailable: 0 };
        assert_eq!(roll(&limits, Some(set(1, 0)), &[set(1, 1)]), Plan { old: vec![1], new: 1 });
        assert_eq!(roll(&limits, Some(set(1, 1)), &[set(1, 1)]), Plan { old: vec![0], new: 1 });
    }

    #[test]
    fn recreate_waits_until_the_old_pods_are_gone() {
        let limits = Limits { wanted: 2, surge: 0, unavailable: 2 };
        let terminating = Counts { wanted: 0, present: 1, available: 0 };
        assert_eq!(recreate(&limits, Some(set(0, 0)), &[terminating]).new, 0);
        assert_eq!(recreate(&limits, Some(set(0, 0)), &[set(0, 0)]).new, 2);
    }
}
