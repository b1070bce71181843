//! CRC-64/XZ: it tells every damage within eight bytes, and any other with all but one chance in 2^64.

/// The polynomial of ECMA-182, its bits in reverse.
const POLYNOMIAL: u64 = 0xc96c_5795_d787_0f42;

const TABLE: [u64; 256] = table();

const fn table() -> [u64; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < table.len() {
        let mut remainder = byte as u64;
        let mut bit = 0;
        while bit < 8 {
            let is_odd = remainder & 1 == 1;
            remainder >>= 1;
            if is_odd {
                remainder ^= POLYNOMIAL;
            }
            bit += 1;
        }
        table[byte] = remainder;
        byte += 1;
    }
    table
}

pub(super) fn checksum(bytes: &[u8]) -> u64 {
    let remainder = bytes.iter().fold(u64::MAX, |remainder, byte| {
        let [lowest, ..] = remainder.to_le_bytes();
        // An index of one byte is within a table of 256.
        TABLE[usize::from(lowest ^ byte)] ^ (remainder >> 8)
    });
    !remainder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_one_that_xz_writes() {
        for (text, wanted) in [
            ("", 0),
            ("a", 0x3302_8477_2e65_2b05),
            ("abc", 0x2cd8_094a_1a27_7627),
            // The check value by which catalogues of such sums identify this one.
            ("123456789", 0x995d_c9bb_df19_39fa),
            ("The quick brown fox jumps over the lazy dog", 0x5b5e_b8c2_e54a_a1c4),
        ] {
            assert_eq!(checksum(text.as_bytes()), wanted, "{text}");
        }
    }
}
