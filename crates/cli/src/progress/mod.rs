//! Shows people what is at work: a tree that moves on a terminal, plain lines elsewhere, nothing
//! for tests. All of it goes to standard error. It must not know what the steps do.

mod plain;
mod tree;

use indicatif::MultiProgress;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Where steps are shown. Clones show in the same place.
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
    /// A tree if standard error is a terminal that can draw one and `NO_COLOR` is not set; plain
    /// lines otherwise.
    pub fn to_stderr() -> Self {
        let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let style = if std::io::stderr().is_terminal() && !is_set("NO_COLOR") && !is_dumb {
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

    /// Nothing at all.
    pub const fn quiet() -> Self {
        Self {
            style: Style::Quiet,
            depth: 0,
        }
    }

    /// Shows that a step is at work.
    pub fn step(&self, title: impl Into<String>) -> Step {
        let title = title.into();
        let shown = match &self.style {
            Style::Tree(tree) => Shown::Tree(tree::Line::new(tree, self.depth, &title)),
            Style::Plain => Shown::Plain(plain::Line::new(self.depth, &title)),
            Style::Quiet => Shown::Nothing,
        };
        Step {
            shown,
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
enum Shown {
    Tree(tree::Line),
    Plain(plain::Line),
    Nothing,
}

/// A step at work. Dropping it without [`Step::done`] shows that it did not come to its end.
#[derive(Debug)]
pub struct Step {
    shown: Shown,
    begun: Instant,
    inner: Progress,
    ended: bool,
}

impl Step {
    /// Where the step's own steps are shown: below it.
    pub const fn inner(&self) -> &Progress {
        &self.inner
    }

    /// How long the step has been at work.
    pub fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Says what the step is at.
    pub fn say(&self, text: &str) {
        match &self.shown {
            Shown::Tree(line) => line.say(text),
            Shown::Plain(line) => line.say(text, self.elapsed()),
            Shown::Nothing => {}
        }
    }

    /// Shows how far the step is, with a bar where there can be one.
    pub fn count(&self, done: u64, total: u64, text: &str) {
        match &self.shown {
            Shown::Tree(line) => line.count(done, total, text),
            Shown::Plain(line) => line.say(&format!("{done}/{total} {text}"), self.elapsed()),
            Shown::Nothing => {}
        }
    }

    /// The step came to its end; returns how long it took.
    pub fn done(self, text: &str) -> Duration {
        let elapsed = self.elapsed();
        self.done_after(elapsed, text);
        elapsed
    }

    /// The step came to its end, having taken as long as that.
    pub fn done_after(mut self, elapsed: Duration, text: &str) {
        self.ended = true;
        match &self.shown {
            Shown::Tree(line) => line.end(true, text, elapsed),
            Shown::Plain(line) => line.end(true, text, elapsed),
            Shown::Nothing => {}
        }
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        match &self.shown {
            Shown::Tree(line) => line.end(false, "", self.elapsed()),
            Shown::Plain(line) => line.end(false, "", self.elapsed()),
            Shown::Nothing => {}
        }
    }
}

/// A duration as people read it: `0.3s`, `12s`, `3m 5s`.
pub fn duration(elapsed: Duration) -> String {
    if elapsed < Duration::from_secs(10) {
        return format!("{:.1}s", elapsed.as_secs_f64());
    }
    humantime::format_duration(Duration::from_secs(elapsed.as_secs())).to_string()
}

/// A count as people read it: `20,000`.
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
