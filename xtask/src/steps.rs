//! Runs named steps one after another and says how long each took.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

#[derive(Default)]
pub(crate) struct Steps {
    done: Vec<(&'static str, Duration)>,
}

impl Steps {
    /// Runs a step.
    ///
    /// # Errors
    /// The step's own, with its name.
    pub(crate) fn run<T>(&mut self, name: &'static str, step: impl FnOnce() -> Result<T>) -> Result<T> {
        println!("\n== {name}");
        let start = Instant::now();
        let outcome = step().with_context(|| format!("{name} failed after {}", shown(start.elapsed())))?;
        self.done.push((name, start.elapsed()));
        Ok(outcome)
    }

    /// All steps so far, each with its time.
    pub(crate) fn summary(&self) -> String {
        let mut text = String::from("\nAll steps passed:\n");
        for (name, took) in &self.done {
            text.push_str(&format!("  {:>8}  {name}\n", shown(*took)));
        }
        let total = self.done.iter().map(|(_, took)| *took).sum();
        text.push_str(&format!("  {:>8}  in all", shown(total)));
        text
    }
}

fn shown(took: Duration) -> String {
    let secs = took.as_secs();
    if secs >= 60 { format!("{}m {:02}s", secs / 60, secs % 60) } else { format!("{:.1}s", took.as_secs_f32()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_step_is_named_and_not_in_the_summary() {
        let mut steps = Steps::default();
        assert!(steps.run("first", || Ok(())).is_ok());
        let error = steps.run("second", || -> Result<()> { anyhow::bail!("broken") }).unwrap_err();
        assert!(format!("{error:#}").starts_with("second failed after 0.0s: broken"), "{error:#}");
        assert!(steps.summary().contains("first") && !steps.summary().contains("second"));
    }

    #[test]
    fn times_are_shown_as_people_say_them() {
        assert_eq!(shown(Duration::from_millis(1_530)), "1.5s");
        assert_eq!(shown(Duration::from_secs(605)), "10m 05s");
    }
}
