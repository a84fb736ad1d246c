//! A step as plain lines: one when it begins, one when it ends, and one every ten seconds in
//! between.

use super::duration;
use std::io::Write;
use std::sync::Mutex;
use std::time::{Duration, Instant};

const BETWEEN_LINES: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub struct Line {
    title: String,
    indent: String,
    last: Mutex<Instant>,
}

impl Line {
    pub fn new(depth: usize, title: &str) -> Self {
        let line = Self {
            title: title.to_owned(),
            indent: "  ".repeat(depth),
            last: Mutex::new(Instant::now()),
        };
        line.print("...", "");
        line
    }

    pub fn say(&self, text: &str, elapsed: Duration) {
        let mut last = self
            .last
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if last.elapsed() >= BETWEEN_LINES {
            *last = Instant::now();
            self.print("...", &format!(" ({}) {text}", duration(elapsed)));
        }
    }

    pub fn end(&self, well: bool, text: &str, elapsed: Duration) {
        let text = if text.is_empty() {
            String::new()
        } else {
            format!(" {text}")
        };
        let mark = if well { "ok " } else { "not" };
        self.print(mark, &format!(" ({}){text}", duration(elapsed)));
    }

    fn print(&self, mark: &str, rest: &str) {
        // A closed standard error leaves no place to report to.
        let _ = writeln!(
            std::io::stderr(),
            "{}{mark} {}{rest}",
            self.indent,
            self.title
        );
    }
}
