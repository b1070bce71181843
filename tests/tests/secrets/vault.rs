//! Secrets that look like nothing else, and the search for them.

use std::collections::HashSet;

/// How long a piece of a secret is that counts as a leak.
const PIECE: usize = 6;

/// Returns a secret text: letters and digits that stand in no other text, the same for the same arguments.
pub fn text(name: &str, round: u32) -> String {
    const ALPHABET: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut random = Random::new(name, round);
    (0..16).map(|_| char::from(ALPHABET[random.next() % ALPHABET.len()])).collect()
}

/// Returns a secret number of eleven digits, more than the nanoseconds or the seconds of a time have.
pub fn number(name: &str, round: u32) -> u64 {
    let mut random = Random::new(name, round);
    20_000_000_000 + (random.next() as u64) % 70_000_000_000
}

/// A generator of numbers by the method of splitmix64.
struct Random(u64);

impl Random {
    fn new(name: &str, round: u32) -> Self {
        let seed = name
            .bytes()
            .fold(u64::from(round) + 1, |seed, byte| seed.wrapping_mul(0x100_0000_01b3) ^ u64::from(byte));
        Self(seed)
    }

    fn next(&mut self) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) as usize >> 1
    }
}

/// Finds secrets in texts: any six characters in a row of one, in any case, also as base64, as hexadecimal digits and as
/// the numbers of its bytes. Escaped for `Debug` or JSON, letters and digits stay as they are.
#[derive(Default)]
pub struct Search {
    pieces: HashSet<[u8; PIECE]>,
    whole: Vec<String>,
}

impl Search {
    /// Finds this text from now on.
    pub fn add_text(&mut self, text: &str) {
        let hexadecimal: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
        // The first and the last characters of an encoded piece depend on what is beside it.
        let encoded = (0..3).map(|skip| {
            let encoded = base64(&text.as_bytes()[skip..]);
            encoded[..encoded.len() - 4].to_owned()
        });
        for form in encoded.chain([text.to_owned(), hexadecimal]) {
            // Digits alone may be a part of any time.
            let form = form.to_lowercase();
            let pieces = windows(form.as_bytes()).filter(|piece| !piece.iter().all(u8::is_ascii_digit));
            self.pieces.extend(pieces);
        }
    }

    /// Finds this text from now on, as a whole only.
    pub fn add_exactly(&mut self, text: &str) {
        self.whole.push(text.to_owned());
    }

    /// Finds this number from now on.
    pub fn add_number(&mut self, number: u64) {
        self.whole.extend([number.to_string(), format!("{number:x}")]);
    }

    /// Returns what is found in `output`, with what stands around it.
    pub fn find(&self, output: &str) -> Option<String> {
        let lower = output.to_lowercase();
        let piece = || windows(lower.as_bytes()).position(|piece| self.pieces.contains(&piece));
        let whole = || self.whole.iter().find_map(|text| lower.find(text));
        if let Some(at) = piece().or_else(whole) {
            let around = lower.as_bytes().get(at.saturating_sub(60)..(at + 60).min(lower.len()))?;
            return Some(String::from_utf8_lossy(around).into_owned());
        }
        // Bytes that were printed one by one.
        let numbers =
            lower.split(|character: char| !character.is_ascii_digit()).filter(|word| !word.is_empty());
        let bytes: Vec<u8> = numbers.map(|number| number.parse().unwrap_or(0)).collect();
        let piece = windows(&bytes).find(|piece| self.pieces.contains(piece));
        piece.map(|piece| format!("the bytes {piece:?} in {output}"))
    }
}

fn windows(bytes: &[u8]) -> impl Iterator<Item = [u8; PIECE]> {
    bytes.windows(PIECE).filter_map(|piece| piece.try_into().ok())
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits =
            (0..3).fold(0_u32, |bits, at| (bits << 8) | u32::from(group.get(at).copied().unwrap_or(0)));
        for at in 0..4 {
            text.push(char::from(ALPHABET[(bits >> (18 - 6 * at)) as usize & 63]));
        }
    }
    text
}

#[test]
fn every_form_of_a_secret_is_found() {
    let mut search = Search::default();
    let (secret, number) = (text("a", 1), number("a", 1));
    search.add_text(&secret);
    search.add_number(number);
    for leak in [
        format!("it is {secret}!"),
        format!("it is {}.. and more", &secret[..6]),
        format!("..{}", &secret[7..13]),
        secret.to_uppercase(),
        format!("{:?}", format!("a\n\"{secret}")),
        base64(secret.as_bytes()),
        base64(format!("user:{secret}").as_bytes()),
        base64(format!("{secret}:").as_bytes()),
        format!("{:?}", secret.as_bytes()),
        secret.bytes().map(|byte| format!("{byte:x}")).collect(),
        format!("[{number}]"),
        format!("{number:#x}"),
    ] {
        assert!(search.find(&leak).is_some(), "{leak}");
    }
    for other in [secret[..5].to_owned(), text("a", 2), text("b", 1), number.to_string()[1..].to_owned()] {
        assert_eq!(search.find(&other), None, "{other}");
    }
}
