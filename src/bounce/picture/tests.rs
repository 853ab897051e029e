use super::layout::{ROW_S, cells, rows};
use super::*;
use crate::listen::PitchMethod;
use crate::song::Settings;
use crate::time::Hz;

fn session() -> Session {
    let sung = crate::sing::demo().sing(Hz(16_000)).expect("a rate that works");
    crate::engine::run(&sung.samples, &Settings::default(), PitchMethod::Nsdf, &mut |_| {}).expect("a voice")
}

#[test]
fn the_same_session_gives_the_same_picture_with_its_remark() {
    let session = session();
    let picture = overview(&session, "A song", "take 0123").expect("a picture");
    assert_eq!(picture, overview(&session, "A song", "take 0123").expect("a picture"));
    let image = tiny_skia::Pixmap::decode_png(&picture).expect("a PNG file");
    assert_eq!(image.width(), WIDTH);
    assert!(image.height() > 1_000 && image.height() <= MOST_HEIGHT);
    let reader = png::Decoder::new(std::io::Cursor::new(picture)).read_info().expect("a header");
    assert_eq!(reader.info().uncompressed_latin1_text[0].text, "take 0123");
}

#[test]
fn rows_hold_whole_bars_and_all_of_the_song() {
    let session = session();
    let cells = cells(&session);
    let found = rows(&cells, ROW_S);
    assert!(found.iter().all(|row| row.1 - row.0 <= ROW_S));
    assert!(found.windows(2).all(|pair| pair[0].1 == pair[1].0));
    assert!(found.iter().all(|row| cells.iter().any(|cell| cell.0 == row.0)));
    assert!(found.last().expect("a row").1 >= session.take.duration_s - 0.5);
}

#[test]
fn a_long_song_gets_longer_rows_and_no_higher_picture() {
    let mut session = session();
    // The last bar goes on for an hour.
    session.take.duration_s = 3_600.0;
    let layout = Layout::new(&session);
    assert!(HEADER + layout.rows.len() as u32 * layout.height + FOOTER <= MOST_HEIGHT);
}

#[test]
fn a_title_too_long_is_cut_and_one_without_glyphs_is_dotted() {
    let mut canvas = Canvas::new(300, 40).expect("a canvas");
    canvas.text((0.0, 30.0), 20.0, 200.0, &"long ".repeat(100), INK);
    let pixels: Vec<u8> = canvas.rgb().collect();
    let right = (0..40).flat_map(|y| &pixels[3 * (300 * y + 205)..3 * 300 * (y + 1)]);
    assert!(right.into_iter().all(|p| *p == 255), "nothing stands beyond the room");
    assert!(canvas.text_width(20.0, "歌") > 0.0);
}
