//! Evaluated text, of which parts may stay open.

/// A part of an evaluated text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Text.
    Known(String),
    /// An expression of a run's time or state, such as `@scheduledStartTime`.
    Runtime(String),
    /// A parameter without a value.
    Missing(String),
    /// A secret.
    Secret,
}

/// An evaluated text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Template {
    pieces: Vec<Piece>,
}

impl Template {
    pub(crate) fn known(text: impl Into<String>) -> Self {
        let mut template = Self::default();
        template.push(Piece::Known(text.into()));
        template
    }

    pub(crate) fn of(piece: Piece) -> Self {
        Self {
            pieces: vec![piece],
        }
    }

    pub(crate) fn push(&mut self, piece: Piece) {
        match (self.pieces.last_mut(), piece) {
            (_, Piece::Known(text)) if text.is_empty() => {}
            (Some(Piece::Known(last)), Piece::Known(text)) => last.push_str(&text),
            (_, piece) => self.pieces.push(piece),
        }
    }

    pub(crate) fn extend(&mut self, other: Self) {
        for piece in other.pieces {
            self.push(piece);
        }
    }

    /// Bytes of its known text.
    pub(crate) fn len(&self) -> usize {
        let known = self.pieces.iter().map(|piece| match piece {
            Piece::Known(text) => text.len(),
            _ => 1,
        });
        known.sum()
    }

    /// The text, if nothing is open.
    pub(crate) fn text(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [] => Some(""),
            [Piece::Known(text)] => Some(text),
            _ => None,
        }
    }

    /// The parameters that have no value.
    pub(crate) fn missing(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Missing(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// Whether a part of it is known only while a run runs.
    pub(crate) fn is_runtime(&self) -> bool {
        let is_runtime = |piece: &Piece| matches!(piece, Piece::Runtime(_));
        self.pieces.iter().any(is_runtime)
    }

    /// The first part that is not known, else nothing.
    pub(crate) fn open(&self) -> Option<&Piece> {
        let is_open = |piece: &&Piece| !matches!(piece, Piece::Known(_));
        self.pieces.iter().find(is_open)
    }

    /// Its parts between a separator in its known text.
    pub(crate) fn split(&self, separator: char) -> Vec<Self> {
        let mut parts = vec![Self::default()];
        for piece in &self.pieces {
            let Piece::Known(text) = piece else {
                if let Some(last) = parts.last_mut() {
                    last.push(piece.clone());
                }
                continue;
            };
            for (at, part) in text.split(separator).enumerate() {
                if at > 0 {
                    parts.push(Self::default());
                }
                if let Some(last) = parts.last_mut() {
                    last.push(Piece::Known(part.to_owned()));
                }
            }
        }
        parts
    }

    /// The text for people, with open parts as they were written.
    pub(crate) fn shown(&self) -> String {
        let pieces = self.pieces.iter().map(|piece| match piece {
            Piece::Known(text) => text.clone(),
            Piece::Runtime(source) => format!("#{{{source}}}"),
            Piece::Missing(name) => format!("⟨{name}⟩"),
            Piece::Secret => crate::secrets::MASK.to_owned(),
        });
        pieces.collect()
    }
}
