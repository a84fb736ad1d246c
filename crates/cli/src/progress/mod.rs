//! Shows progress on standard error: an animated tree on a terminal, plain lines elsewhere, nothing
//! in tests.

mod plain;
mod tree;

use indicatif::MultiProgress;
use std::time::{Duration, Instant};

/// Where steps are shown. Clones share it.
#[derive(Debug, Clone)]
pub struct Progress {
    style: Style,
    depth: usize,
}

#[derive(Debug, Clone)]
enum Style {
    Tree(MultiProgress),
    Plain,
    Quiet,
}

impl Progress {
    /// A tree if standard error is a terminal that can draw one and may have colours; otherwise
    /// plain lines.
    pub fn to_stderr(is_coloured_terminal: bool) -> Self {
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let style = if is_coloured_terminal && !is_dumb {
            Style::Tree(MultiProgress::new())
        } else {
            Style::Plain
        };
        Self { style, depth: 0 }
    }

    /// Plain lines.
    pub const fn plain() -> Self {
        Self {
            style: Style::Plain,
            depth: 0,
        }
    }

    /// Shows nothing.
    pub const fn quiet() -> Self {
        Self {
            style: Style::Quiet,
            depth: 0,
        }
    }

    /// Shows a new step.
    pub fn step(&self, title: impl Into<String>) -> Step {
        let title = title.into();
        let output = match &self.style {
            Style::Tree(tree) => Output::Tree(tree::Line::new(tree, self.depth, &title)),
            Style::Plain => Output::Plain(plain::Line::new(self.depth, &title)),
            Style::Quiet => Output::Nothing,
        };
        Step {
            output,
            begun: Instant::now(),
            inner: Self {
                style: self.style.clone(),
                depth: self.depth + 1,
            },
            ended: false,
        }
    }
}

#[derive(Debug)]
enum Output {
    Tree(tree::Line),
    Plain(plain::Line),
    Nothing,
}

/// A running step. Dropping it without [`Step::done`] shows it as failed.
#[derive(Debug)]
pub struct Step {
    output: Output,
    begun: Instant,
    inner: Progress,
    ended: bool,
}

impl Step {
    /// Shows steps below this one.
    pub const fn inner(&self) -> &Progress {
        &self.inner
    }

    /// Time since the step began.
    pub fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Shows what the step does at the moment.
    pub fn say(&self, text: &str) {
        match &self.output {
            Output::Tree(line) => line.say(text),
            Output::Plain(line) => line.say(text, self.elapsed()),
            Output::Nothing => {}
        }
    }

    /// Shows how much of the step is done, with a bar on a terminal.
    pub fn count(&self, done: u64, total: u64, text: &str) {
        match &self.output {
            Output::Tree(line) => line.count(done, total, text),
            Output::Plain(line) => line.say(&format!("{done}/{total} {text}"), self.elapsed()),
            Output::Nothing => {}
        }
    }

    /// Ends the step; returns its duration.
    pub fn done(self, text: &str) -> Duration {
        let elapsed = self.elapsed();
        self.done_after(elapsed, text);
        elapsed
    }

    /// Ends the step with a given duration.
    pub fn done_after(mut self, elapsed: Duration, text: &str) {
        self.ended = true;
        match &self.output {
            Output::Tree(line) => line.end(true, text, elapsed),
            Output::Plain(line) => line.end(true, text, elapsed),
            Output::Nothing => {}
        }
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        match &self.output {
            Output::Tree(line) => line.end(false, "", self.elapsed()),
            Output::Plain(line) => line.end(false, "", self.elapsed()),
            Output::Nothing => {}
        }
    }
}

/// Formats a duration: `0.3s`, `12s`, `3m 5s`.
pub fn duration(elapsed: Duration) -> String {
    if elapsed < Duration::from_secs(10) {
        return format!("{:.1}s", elapsed.as_secs_f64());
    }
    humantime::format_duration(Duration::from_secs(elapsed.as_secs())).to_string()
}

/// Formats a count: `20,000`.
pub fn count(number: u64) -> String {
    indicatif::HumanCount(number).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_for_people() {
        assert_eq!(duration(Duration::from_millis(340)), "0.3s");
        assert_eq!(duration(Duration::from_millis(185_900)), "3m 5s");
        assert_eq!(count(20_000), "20,000");
    }
}
