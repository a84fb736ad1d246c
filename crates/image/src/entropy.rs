//! The entropy-coded data of a sequential JPEG file, code by code: does it hold every block that the
//! header promises, and nothing else? Decoders fill up what is missing with grey and pass over what
//! is left, so half an image with an end marker, or one with turned bits, is an image to them.
//!
//! Source: ITU-T T.81, annexes B and F.

use crate::jpeg::{SOS, Segment, Structure};
use crate::rejected::Rejected;

const DHT: u8 = 0xc4;
const DRI: u8 = 0xdd;
/// Frames that are coded in one pass of Huffman codes: baseline and extended.
const SEQUENTIAL: [u8; 2] = [0xc0, 0xc1];
/// Codes of up to this many bits are looked up.
const FAST: u32 = 9;

/// Checks every scan. Frames of other kinds pass: their scans refine each other.
pub fn check(bytes: &[u8], structure: &Structure) -> Result<(), Rejected> {
    let mut reader = Tables::default();
    let mut frame = None;
    for segment in &structure.segments {
        let payload = &bytes[segment.payload.clone()];
        match segment.marker {
            marker if SEQUENTIAL.contains(&marker) => frame = Some(Frame::read(payload)?),
            DHT => reader.huffman(payload)?,
            DRI => {
                let interval = payload.get(..2).ok_or_else(|| bad("a restart interval"))?;
                reader.restart = usize::from(u16::from_be_bytes([interval[0], interval[1]]));
            }
            SOS => {
                if let Some(frame) = &frame {
                    scan(bytes, segment, frame, &reader)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn bad(what: &str) -> Rejected {
    Rejected::undecodable(format!("{what} of the header is out of its range"))
}

struct Component {
    id: u8,
    across: usize,
    down: usize,
}

struct Frame {
    width: usize,
    height: usize,
    components: Vec<Component>,
}

impl Frame {
    fn read(payload: &[u8]) -> Result<Self, Rejected> {
        let side = |at: usize| usize::from(u16::from_be_bytes([payload[at], payload[at + 1]]));
        let (height, width) = (side(1), side(3));
        let count = usize::from(payload[5]);
        let components = payload.get(6..6 + 3 * count);
        let components = components.ok_or_else(|| bad("the number of components"))?;
        let components = components.chunks_exact(3).map(|component| {
            let (across, down) = (component[1] >> 4, component[1] & 15);
            if !(1..=4).contains(&across) || !(1..=4).contains(&down) {
                return Err(bad("a component's sampling"));
            }
            Ok(Component {
                id: component[0],
                across: usize::from(across),
                down: usize::from(down),
            })
        });
        Ok(Self {
            width,
            height,
            components: components.collect::<Result<_, _>>()?,
        })
    }

    fn most(&self, of: impl Fn(&Component) -> usize) -> usize {
        self.components.iter().map(of).max().unwrap_or(1)
    }
}

/// What the segments before a scan set.
#[derive(Default)]
struct Tables {
    /// By class (means, waves) and number.
    huffman: [[Option<Box<Codes>>; 4]; 2],
    /// Units between two restarts; 0 where there are none.
    restart: usize,
}

impl Tables {
    fn huffman(&mut self, mut payload: &[u8]) -> Result<(), Rejected> {
        while let Some((&id, rest)) = payload.split_first() {
            let (class, number) = (usize::from(id >> 4), usize::from(id & 15));
            let counts = rest.first_chunk::<16>();
            let place = self
                .huffman
                .get_mut(class)
                .and_then(|of| of.get_mut(number));
            let (Some(place), Some(counts)) = (place, counts) else {
                return Err(bad("a Huffman table"));
            };
            let total = counts.iter().map(|&count| usize::from(count)).sum();
            let values = rest[16..].get(..total);
            let values = values.ok_or_else(|| bad("a Huffman table's length"))?;
            let codes = Codes::new(counts, values).ok_or_else(|| bad("a Huffman code"))?;
            *place = Some(Box::new(codes));
            payload = &rest[16 + total..];
        }
        Ok(())
    }

    fn codes(&self, class: usize, number: u8) -> Result<&Codes, Rejected> {
        let codes = self.huffman[class].get(usize::from(number));
        let codes = codes.and_then(Option::as_deref);
        codes.ok_or_else(|| bad("a scan's Huffman table"))
    }
}

/// A Huffman table, for reading.
struct Codes {
    /// Length and value by the next [`FAST`] bits; length 0 where the code is longer.
    fast: [(u8, u8); 1 << FAST],
    /// By length: one more than the last code, left-aligned in 16 bits, and what is added to a code
    /// to get its value's place.
    ends: [u32; 17],
    offsets: [i32; 17],
    places: Vec<u8>,
}

impl Codes {
    fn new(counts: &[u8; 16], values: &[u8]) -> Option<Self> {
        let mut codes = Self {
            fast: [(0, 0); 1 << FAST],
            ends: [0; 17],
            offsets: [0; 17],
            places: values.to_vec(),
        };
        let (mut code, mut place) = (0_u32, 0_usize);
        for (length, &count) in (1_u8..=16).zip(counts) {
            let at = usize::from(length);
            codes.offsets[at] = i32::try_from(place).ok()? - code.cast_signed();
            for &value in &values[place..place + usize::from(count)] {
                if u32::from(length) <= FAST {
                    let free = FAST - u32::from(length);
                    let start = (code << free) as usize;
                    let same = codes.fast.get_mut(start..start + (1 << free))?;
                    same.fill((length, value));
                }
                code += 1;
            }
            place += usize::from(count);
            if code > 1 << length {
                return None;
            }
            codes.ends[at] = code << (16 - length);
            code <<= 1;
        }
        Some(codes)
    }
}

/// The bits of a scan between two markers.
struct Bits<'a> {
    data: &'a [u8],
    at: usize,
    buffer: u64,
    count: u32,
    /// Bits that were asked for behind the end.
    lacking: u32,
}

impl<'a> Bits<'a> {
    fn new(data: &'a [u8]) -> Self {
        Self {
            data,
            at: 0,
            buffer: 0,
            count: 0,
            lacking: 0,
        }
    }

    /// Makes sure of 32 bits; behind the end they are zeros.
    fn fill(&mut self) {
        while self.count <= 56 {
            let byte = self.data.get(self.at).copied();
            match byte {
                // Stuffed; a marker ends the data before it comes here.
                Some(0xff) => self.at += 2,
                Some(_) => self.at += 1,
                None => self.lacking += 8,
            }
            self.buffer |= u64::from(byte.unwrap_or(0)) << (56 - self.count);
            self.count += 8;
        }
    }

    fn skip(&mut self, count: u32) {
        self.buffer <<= count;
        self.count -= count;
    }

    /// The next code's value. At most 16 bits.
    fn code(&mut self, codes: &Codes) -> Option<u8> {
        let (length, value) = codes.fast[(self.buffer >> (64 - FAST)) as usize];
        if length > 0 {
            self.skip(u32::from(length));
            return Some(value);
        }
        let next = (self.buffer >> 48) as u32;
        let length = (FAST as usize + 1..=16).find(|&length| next < codes.ends[length])?;
        let code = (next >> (16 - length)).cast_signed();
        self.skip(u32::try_from(length).expect("it is at most 16"));
        let place = usize::try_from(code + codes.offsets[length]).ok()?;
        codes.places.get(place).copied()
    }

    /// More bits were read than there are.
    fn is_over(&self) -> bool {
        self.lacking > self.count
    }

    /// Whole bytes that nothing has read, but for zeros and ones that fill up.
    fn is_left(&self) -> bool {
        let pending = (self.count.saturating_sub(self.lacking) / 8) as usize;
        let read = self.buffer << (self.count % 8);
        let pending = read.to_be_bytes().into_iter().take(pending);
        let rest = self.data.get(self.at..).unwrap_or(&[]).iter().copied();
        pending.chain(rest).any(|byte| byte != 0 && byte != 0xff)
    }
}

fn scan(bytes: &[u8], segment: &Segment, frame: &Frame, tables: &Tables) -> Result<(), Rejected> {
    let payload = &bytes[segment.payload.clone()];
    let count = payload.first().map_or(0, |&count| usize::from(count));
    let selectors = payload.get(1..1 + 2 * count).filter(|_| count > 0);
    let selectors = selectors.ok_or_else(|| bad("a scan's number of components"))?;
    let (most_across, most_down) = (frame.most(|one| one.across), frame.most(|one| one.down));
    let mut blocks = Vec::new();
    let mut units = (
        frame.width.div_ceil(8 * most_across),
        frame.height.div_ceil(8 * most_down),
    );
    for selector in selectors.chunks_exact(2) {
        let mut components = frame.components.iter();
        let component = components.find(|component| component.id == selector[0]);
        let component = component.ok_or_else(|| bad("a scan's component"))?;
        let means = tables.codes(0, selector[1] >> 4)?;
        let waves = tables.codes(1, selector[1] & 15)?;
        let mut each = component.across * component.down;
        if count == 1 {
            // Alone, a component has as many blocks as it needs, and one a unit.
            let side =
                |pixels: usize, own: usize, most: usize| (pixels * own).div_ceil(most).div_ceil(8);
            units = (
                side(frame.width, component.across, most_across),
                side(frame.height, component.down, most_down),
            );
            each = 1;
        }
        blocks.extend(std::iter::repeat_n((means, waves), each));
    }
    let total = units.0 * units.1;
    let mut parts = between_restarts(&bytes[segment.data.clone()]);
    let step = if tables.restart == 0 {
        total
    } else {
        tables.restart
    };
    let mut done = 0;
    while done < total {
        let Some(part) = parts.next() else {
            return Err(missing(done, total));
        };
        let mut bits = Bits::new(part);
        for unit in done..total.min(done + step) {
            for (means, waves) in &blocks {
                if block(&mut bits, means, waves).is_none() {
                    return Err(Rejected::undecodable(format!(
                        "a code of no value in unit {unit} of {total}"
                    )));
                }
            }
            if bits.is_over() {
                return Err(missing(unit, total));
            }
        }
        if bits.is_left() {
            return Err(Rejected::undecodable(
                "a scan has more data than its header promises",
            ));
        }
        done += step;
    }
    if parts.next().is_some() {
        return Err(Rejected::undecodable(
            "a scan has more restarts than its header promises",
        ));
    }
    Ok(())
}

fn missing(unit: usize, total: usize) -> Rejected {
    let detail = format!("a scan ends within unit {unit} of {total}, before its pixels do");
    Rejected::truncated(detail)
}

/// The data between restart markers.
fn between_restarts(mut data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut is_done = false;
    std::iter::from_fn(move || {
        if is_done {
            return None;
        }
        let mut pairs = data.windows(2);
        let restart = pairs.position(|pair| pair[0] == 0xff && (0xd0..=0xd7).contains(&pair[1]));
        let part;
        if let Some(at) = restart {
            (part, data) = (&data[..at], &data[at + 2..]);
        } else {
            (part, is_done) = (data, true);
        }
        Some(part)
    })
}

/// A block: its mean, then its waves. `None` if a code has no value or a wave no place.
fn block(bits: &mut Bits<'_>, means: &Codes, waves: &Codes) -> Option<()> {
    bits.fill();
    let size = bits.code(means)?;
    if size > 15 {
        return None;
    }
    bits.skip(u32::from(size));
    let mut at = 1;
    while at < 64 {
        bits.fill();
        let value = bits.code(waves)?;
        let (zeros, size) = (value >> 4, value & 15);
        match (zeros, size) {
            (0, 0) => return Some(()),
            (15, 0) => at += 16,
            (_, 0) => return None,
            _ => {
                at += u32::from(zeros) + 1;
                bits.skip(u32::from(size));
            }
        }
    }
    (at == 64).then_some(())
}
