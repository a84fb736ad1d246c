//! The pixels of a file, by strict decoders.

use crate::accept::Accept;
use crate::entropy;
use crate::inspect::Structure;
use crate::pixels::Pixels;
use crate::png_file;
use crate::rejected::Rejected;
use jpeg_decoder::{Decoder, PixelFormat};

/// The image as it is to be shown, its orientation applied. Of `accept` the limits of the header
/// hold, before anything is decoded.
pub fn decode(bytes: &[u8], accept: &Accept) -> Result<Pixels, Rejected> {
    let structure = Structure::of(bytes)?;
    structure.check(accept)?;
    let orientation = structure.metadata(bytes, false).orientation;
    let pixels = decode_structure(bytes, &structure, accept.max_pixels, None)?;
    Ok(pixels.upright(orientation))
}

/// The pixels as they are stored. A JPEG may come out smaller, but with sides of at least
/// `least_side` pixels where it has them.
pub fn decode_structure(
    bytes: &[u8],
    structure: &Structure,
    max_pixels: u64,
    least_side: Option<u16>,
) -> Result<Pixels, Rejected> {
    let image = &bytes[..structure.end()];
    match structure {
        Structure::Jpeg(jpeg) => {
            entropy::check(image, jpeg)?;
            decode_jpeg(image, least_side)
        }
        Structure::Png(_) => png_file::decode(image, max_pixels),
    }
}

fn decode_jpeg(image: &[u8], least_side: Option<u16>) -> Result<Pixels, Rejected> {
    let undecodable = |error: jpeg_decoder::Error| Rejected::undecodable(error.to_string());
    let mut decoder = Decoder::new(image);
    if let Some(side) = least_side {
        decoder.scale(side, side).map_err(undecodable)?;
    }
    let data = decoder.decode().map_err(undecodable)?;
    let info = decoder.info().expect("it was decoded");
    let (width, height) = (u32::from(info.width), u32::from(info.height));
    Ok(match info.pixel_format {
        PixelFormat::L8 => Pixels::new(width, height, 1, data),
        PixelFormat::RGB24 => Pixels::new(width, height, 3, data),
        // Samples of more than 8 bits: their upper ones. The decoder gives the machine's byte order.
        PixelFormat::L16 => {
            let samples = data.chunks_exact(2);
            let upper = samples.map(|pair| u16::from_ne_bytes([pair[0], pair[1]]).to_be_bytes()[0]);
            Pixels::new(width, height, 1, upper.collect())
        }
        PixelFormat::CMYK32 => {
            let inks = data.chunks_exact(4);
            let colours = inks.flat_map(|ink| {
                let of = |value: u8| (255 - u16::from(value)) * (255 - u16::from(ink[3])) / 255;
                [of(ink[0]), of(ink[1]), of(ink[2])].map(|value| value.to_be_bytes()[1])
            });
            Pixels::new(width, height, 3, colours.collect())
        }
    })
}
