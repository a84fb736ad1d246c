//! How a seam is read that was not guessed, and what is to be learned of it. It must not look inside
//! texts and numbers.

use crate::check::{Check, LIST, LIST_GOES_ON, MAP, MAP_GOES_ON, NAME, VALUE_END, utf8};
use crate::frame::{Frame, FrameId, Inside};
use crate::mark::{Mark, Marks, PathId};
use crate::seam::{Aside, Landing, Next, SeamId};
use crate::seams::Seams;
use crate::{ItemError, Kind, Outline};

impl Outline {
    /// Reads the seam at this place, and learns it; marks what stands within.
    #[inline(never)]
    pub(crate) fn read(
        &mut self,
        check: &mut Check<'_>,
        before: SeamId,
        shift: usize,
        marks: &mut Marks,
    ) -> Result<SeamId, ItemError> {
        let start = check.at;
        let from = self.seams.at(before).landing().frame;
        self.asides.clear();
        let read = if before == Seams::ITEM {
            let follows = !check.opens_empty(b'{', b'}', MAP)?;
            self.pass(check, start, from, follows)
        } else {
            // A value's closing quote was seen.
            check.at += usize::from(self.seams.at(before).landing().next.is_quoted());
            let follows = self.behind_value(check, from)?;
            self.pass(check, start, from, follows)
        };
        let landing = read?;
        for aside in &self.asides {
            let mark = aside.mark.moved(start.wrapping_add(shift));
            marks.push(aside.path, mark);
        }
        let bytes = &check.bytes[start..check.at];
        let learned = self.seams.learn(before, from, bytes, &self.asides, landing);
        Ok(learned.unwrap_or_else(|| self.seams.land(landing)))
    }

    /// Passes what ends a value inside of `frame`. Says whether another element follows.
    fn behind_value(&self, check: &mut Check<'_>, frame: FrameId) -> Result<bool, ItemError> {
        match self.frames.at(frame).inside {
            Inside::Map(_) | Inside::MapInList => {
                check.token(b'}', VALUE_END)?;
                check.further(b'}', MAP_GOES_ON)
            }
            Inside::List => {
                check.token(b'}', VALUE_END)?;
                check.further(b']', LIST_GOES_ON)
            }
            Inside::TextSet | Inside::NumberSet => check.further(b']', LIST_GOES_ON),
        }
    }

    /// Goes on to the next text, number or binary value, or to the item's end. `follows` says whether
    /// an element of `frame` comes next, or its end was passed.
    fn pass(
        &mut self,
        check: &mut Check<'_>,
        start: usize,
        mut frame: FrameId,
        mut follows: bool,
    ) -> Result<Landing, ItemError> {
        loop {
            while !follows {
                if frame == FrameId::ITEM {
                    let (next, path) = (Next::End, PathId::UNMARKED);
                    return Ok(Landing { next, path, frame });
                }
                frame = self.frames.at(frame).around;
                follows = self.behind_value(check, frame)?;
            }
            let (path, kind) = self.element(check, frame)?;
            let next = match kind {
                Kind::S => Next::Text,
                Kind::N => Next::Number,
                Kind::B => Next::Binary,
                Kind::Bool => Next::Boolean,
                Kind::Null => Next::Null,
                Kind::M | Kind::L | Kind::Ss | Kind::Ns | Kind::Bs => {
                    (frame, follows) = self.container(check, start, frame, (path, kind))?;
                    continue;
                }
            };
            return Ok(Landing { next, path, frame });
        }
    }

    /// Goes into a map, list or set. Returns the frame, and whether an element of it follows.
    fn container(
        &mut self,
        check: &mut Check<'_>,
        start: usize,
        frame: FrameId,
        (path, kind): (PathId, Kind),
    ) -> Result<(FrameId, bool), ItemError> {
        let Frame { inside, depth, .. } = self.frames.at(frame);
        let (inside, depth) = match (kind, inside) {
            (Kind::M, Inside::Map(_)) => (Inside::Map(path), check.deeper(depth)?),
            (Kind::M, _) => (Inside::MapInList, check.deeper(depth)?),
            (Kind::L, _) => (Inside::List, check.deeper(depth)?),
            (Kind::Ns, _) => (Inside::NumberSet, depth),
            _ => (Inside::TextSet, depth),
        };
        check.peek();
        let place = check.at - start;
        self.aside(path, Mark::new(kind, false, place, 0));
        let entered = self.frames.enter(Frame {
            around: frame,
            inside,
            depth,
        });
        let Some(entered) = entered else {
            // Too many kinds of nesting to go on with: nothing of it is marked.
            check.untyped(kind, depth)?;
            return Ok((frame, self.behind_value(check, frame)?));
        };
        let empty = if kind == Kind::M {
            check.opens_empty(b'{', b'}', MAP)?
        } else {
            check.opens_empty(b'[', b']', LIST)?
        };
        Ok((entered, !empty))
    }

    /// Reads what stands before a value: name and type, as far as there are any. Texts, numbers and
    /// binary values are left behind their opening quote.
    fn element(
        &mut self,
        check: &mut Check<'_>,
        frame: FrameId,
    ) -> Result<(PathId, Kind), ItemError> {
        let (path, kind) = match self.frames.at(frame).inside {
            Inside::Map(map) => {
                check.peek();
                let start = check.at;
                let name = check.string(NAME)?;
                let name = utf8(name).map_err(|error| error.moved(|offset| start + 1 + offset))?;
                let path = self.paths.attribute(map, name);
                check.token(b':', "`:`")?;
                check.peek();
                (path, check.tag()?)
            }
            Inside::MapInList => {
                check.string(NAME)?;
                check.token(b':', "`:`")?;
                (PathId::UNMARKED, check.tag()?)
            }
            Inside::List => (PathId::UNMARKED, check.tag()?),
            Inside::TextSet => (PathId::UNMARKED, Kind::S),
            Inside::NumberSet => (PathId::UNMARKED, Kind::N),
        };
        match kind {
            Kind::S | Kind::B => check.token(b'"', "a string")?,
            Kind::N => check.token(b'"', "a number in quotes")?,
            Kind::Bool | Kind::Null => drop(check.peek()),
            Kind::M | Kind::L | Kind::Ss | Kind::Ns | Kind::Bs => {}
        }
        Ok((path, kind))
    }

    fn aside(&mut self, path: PathId, mark: Mark) {
        if path != PathId::UNMARKED {
            self.asides.push(Aside { path, mark });
        }
    }
}
