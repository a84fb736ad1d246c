//! A line of the tree on a terminal: spinner, title, time, text, and a bar if counts are known.

use super::duration;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const TITLE_WIDTH: usize = 26;
const TICK: Duration = Duration::from_millis(100);
const SPINNER: [&str; 11] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏", "✓"];

#[derive(Debug)]
pub struct Line {
    bar: ProgressBar,
    depth: usize,
    counts: AtomicBool,
}

impl Line {
    pub fn new(tree: &MultiProgress, depth: usize, title: &str) -> Self {
        let bar = tree.add(ProgressBar::new_spinner());
        let line = Self {
            bar,
            depth,
            counts: AtomicBool::new(false),
        };
        line.set_style("{spinner:.cyan}", "{elapsed:>6.dim}  {wide_msg}", &SPINNER);
        line.bar.set_prefix(title.to_owned());
        line.bar.enable_steady_tick(TICK);
        line
    }

    fn set_style(&self, mark: &str, rest: &str, marks: &[&str]) {
        let indent = "  ".repeat(self.depth);
        let width = TITLE_WIDTH.saturating_sub(indent.len());
        let template = format!("{indent}{mark} {{prefix:{width}}} {rest}");
        let style = ProgressStyle::with_template(&template)
            .expect("the templates of this file are well formed")
            .tick_strings(marks)
            .progress_chars("━╸─");
        self.bar.set_style(style);
    }

    pub fn say(&self, text: &str) {
        self.bar.set_message(text.to_owned());
    }

    pub fn count(&self, done: u64, total: u64, text: &str) {
        if !self.counts.swap(true, Ordering::Relaxed) {
            let rest = "{elapsed:>6.dim}  {bar:20.cyan} {pos}/{len} {wide_msg}";
            self.set_style("{spinner:.cyan}", rest, &SPINNER);
        }
        self.bar.set_length(total);
        self.bar.set_position(done);
        self.bar.set_message(text.to_owned());
    }

    pub fn end(&self, well: bool, text: &str, elapsed: Duration) {
        let (mark, marks) = if well {
            ("{spinner:.green}", ["✓", "✓"])
        } else {
            ("{spinner:.red}", ["✗", "✗"])
        };
        self.set_style(mark, "{wide_msg}", &marks);
        self.bar
            .finish_with_message(format!("{:>6}  {text}", duration(elapsed)));
    }
}
