//! A terminal for a program: what a person sees of it, frame by frame, and as a picture.

use nix::pty::{OpenptyResult, Winsize, openpty};
use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;
use std::process::{Output, Stdio};
use tokio::process::Command;
use vt100::{Cell, Color, Parser};

pub use vt100::Screen;

/// Points from a column or row to the next.
const COLUMN: f32 = 7.8;
const ROW: u16 = 18;
const MARGIN: u16 = 12;

/// A terminal of a size.
#[derive(Debug, Clone, Copy)]
pub struct Terminal {
    rows: u16,
    columns: u16,
}

impl Terminal {
    /// With these many rows and columns.
    pub const fn new(rows: u16, columns: u16) -> Self {
        Self { rows, columns }
    }

    /// Runs a program whose standard error is this terminal. Returns how it ended, and what was on
    /// the screen after each time that it drew.
    ///
    /// # Panics
    /// If the machine has no pseudo-terminal left, or the program cannot be run.
    pub async fn run(self, command: &mut Command) -> (Output, Vec<Screen>) {
        let Self { rows, columns } = self;
        let size = Winsize {
            ws_row: rows,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let OpenptyResult { master, slave } = openpty(&size, None).expect("a pseudo-terminal");
        let child = command
            .env("TERM", "xterm-256color")
            .stdout(Stdio::piped())
            .stderr(Stdio::from(slave))
            .spawn()
            .expect("the program starts");
        // The terminal is at its end when nobody can write to it.
        command.stderr(Stdio::null());
        let draws = tokio::task::spawn_blocking(move || frames(File::from(master), rows, columns));
        let output = child.wait_with_output().await.expect("the program ends");
        (output, draws.await.expect("reading does not panic"))
    }
}

fn frames(mut terminal: File, rows: u16, columns: u16) -> Vec<Screen> {
    let mut parser = Parser::new(rows, columns, 0);
    let mut frames = Vec::new();
    let mut bytes = [0; 16 * 1024];
    // Linux ends a terminal that nobody writes to with an error.
    while let Ok(length @ 1..) = terminal.read(&mut bytes) {
        parser.process(&bytes[..length]);
        frames.push(parser.screen().clone());
    }
    frames
}

/// The text of each row.
pub fn lines(screen: &Screen) -> Vec<String> {
    let (_, columns) = screen.size();
    screen.rows(0, columns).collect()
}

/// The screen as a picture, without the empty rows at its end.
pub fn svg(screen: &Screen) -> String {
    let lines = lines(screen);
    let used = lines.iter().rposition(|line| !line.trim().is_empty());
    let used = used.map_or(0, |last| last + 1);
    let rows = u16::try_from(used).expect("a screen has few rows");
    let (_, columns) = screen.size();
    let width = (f32::from(columns) * COLUMN).ceil() + 2.0 * f32::from(MARGIN);
    let height = rows * ROW + 2 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"ui-monospace, Menlo, Consolas, monospace\" font-size=\"13\">\n\
         <desc>millrace start --watch on local AWS. Drawn by: MILLRACE_WRITE=1 cargo test -p \
         end-to-end --test commands</desc>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"#1e1e2e\"/>\n"
    );
    for row in 0..rows {
        let y = MARGIN + row * ROW + 13;
        // Writing to memory cannot fail.
        let _ = write!(svg, "<text y=\"{y}\" xml:space=\"preserve\">");
        for (column, colour, text) in runs(screen, row, columns) {
            let x = f32::from(MARGIN) + f32::from(column) * COLUMN;
            let length = text.chars().count() as f32 * COLUMN;
            let _ = write!(
                svg,
                "<tspan x=\"{x:.1}\" textLength=\"{length:.1}\" fill=\"{colour}\">{}</tspan>",
                escaped(&text)
            );
        }
        svg.push_str("</text>\n");
    }
    svg + "</svg>\n"
}

/// The text of a row in runs of one colour, each with its first column; gaps are left out.
fn runs(screen: &Screen, row: u16, columns: u16) -> Vec<(u16, &'static str, String)> {
    let mut runs: Vec<(u16, &'static str, String)> = Vec::new();
    let mut gap = true;
    for column in 0..columns {
        let Some(cell) = screen.cell(row, column) else {
            continue;
        };
        let text = cell.contents();
        if text.trim().is_empty() {
            gap = true;
            continue;
        }
        match runs.last_mut() {
            Some((_, colour, run)) if !gap && *colour == colour_of(cell) => run.push_str(text),
            _ => runs.push((column, colour_of(cell), text.to_owned())),
        }
        gap = false;
    }
    runs
}

fn colour_of(cell: &Cell) -> &'static str {
    match cell.fgcolor() {
        Color::Idx(1) => "#f38ba8",
        Color::Idx(2) => "#a6e3a1",
        Color::Idx(6) => "#94e2d5",
        _ if cell.dim() => "#9399b2",
        _ => "#cdd6f4",
    }
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;");
    text.replace('<', "&lt;").replace('>', "&gt;")
}
