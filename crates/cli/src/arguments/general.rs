//! Options of every command.

use clap::{Args, ValueEnum};

/// Options of every command.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct General {
    /// Show neither progress nor hints on standard error.
    #[arg(short, long, global = true, help_heading = "Output")]
    pub quiet: bool,
    /// Log what the program and its requests do, on standard error.
    #[arg(
        short,
        long,
        global = true,
        conflicts_with = "quiet",
        help_heading = "Output"
    )]
    pub verbose: bool,
    /// When to use colours and moving progress; `NO_COLOR` turns `auto` off.
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "WHEN",
        default_value_t,
        help_heading = "Output"
    )]
    pub color: Color,
    /// Fail instead of waiting for a person to type.
    #[arg(long, global = true, help_heading = "Output")]
    pub no_input: bool,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// Whether to use colours, on a terminal or not.
    pub fn is_on(self, is_terminal: bool) -> bool {
        match self {
            Self::Auto => {
                let off = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
                is_terminal && !off
            }
            Self::Always => true,
            Self::Never => false,
        }
    }
}
