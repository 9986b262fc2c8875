//! A sector: 512 bytes of the file, sealed with a checksum that also covers its place.
//!
//! redb's pages of 4096 bytes are cut into nine sectors of 456 bytes, so that no sector is shared by two pages: a page that
//! is written never touches a sector of another page, which may belong to an earlier commit.
//!
//! ```text
//! sector      content (456 bytes, the ninth of a page 448 and 8 zeros) | zeros (48) | checksum (8, XXH3, little-endian)
//! file        head (sector 0) | page 0 (sectors 1 to 9) | page 1 (sectors 10 to 18) | ...
//! ```
//!
//! A sector of nothing but zeros was never written: redb lets its file grow ahead of what it writes.

use std::ops::Range;

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// What a disk writes whole or not at all.
pub(super) const SECTOR_BYTES: usize = 512;
/// The length of a page of redb in bytes.
pub(super) const PAGE_BYTES: u64 = 4_096;
/// The part of a page that a sector holds.
pub(super) const CONTENT_BYTES: usize = 456;
const SECTORS_A_PAGE: u64 = 9;
const CHECKSUM_AT: usize = SECTOR_BYTES - 8;

/// Puts the checksum of a sector in its place.
pub(super) fn seal(sector: &mut [u8], number: u64) {
    let checksum = xxh3_64_with_seed(&sector[..CHECKSUM_AT], number);
    sector[CHECKSUM_AT..SECTOR_BYTES].copy_from_slice(&checksum.to_le_bytes());
}

/// Is the sector as it was sealed in this place?
pub(super) fn is_sealed(sector: &[u8], number: u64) -> bool {
    sector[CHECKSUM_AT..SECTOR_BYTES] == xxh3_64_with_seed(&sector[..CHECKSUM_AT], number).to_le_bytes()
}

/// Is the sector sealed, or was it never written?
pub(super) fn is_intact(sector: &[u8], number: u64) -> bool {
    is_sealed(sector, number) || sector.iter().all(|byte| *byte == 0)
}

/// How long the file is when redb's is `length` bytes long.
pub(super) fn file_length(length: u64) -> u64 {
    (1 + length.div_ceil(PAGE_BYTES) * SECTORS_A_PAGE) * SECTOR_BYTES as u64
}

/// Part of a range of redb's bytes that lies in one sector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    /// The place of the sector in the file, counted in sectors.
    pub(super) number: u64,
    /// The bytes of its content.
    pub(super) content: Range<usize>,
    /// The place of those bytes in the range.
    pub(super) place: Range<usize>,
    /// These are all the bytes that the sector holds.
    pub(super) whole: bool,
}

/// Cuts `bytes` bytes from `offset` on into pieces. Sectors come one after the other, without a gap.
pub(super) fn pieces(offset: u64, bytes: usize) -> impl Iterator<Item = Piece> {
    let mut place = 0;
    std::iter::from_fn(move || {
        if place == bytes {
            return None;
        }
        let at = offset + place as u64;
        let in_page = usize::try_from(at % PAGE_BYTES).expect("less than a page");
        let page = usize::try_from(PAGE_BYTES).expect("a page fits in memory");
        let sector = in_page / CONTENT_BYTES;
        let start = sector * CONTENT_BYTES;
        let held = CONTENT_BYTES.min(page - start);
        let from = in_page - start;
        let count = (held - from).min(bytes - place);
        let piece = Piece {
            number: 1 + (at / PAGE_BYTES) * SECTORS_A_PAGE + sector as u64,
            content: from..from + count,
            place: place..place + count,
            whole: count == held,
        };
        place += count;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_every_byte_once_and_sectors_follow_each_other() {
        for offset in [0, 1, 455, 456, 4_000, 4_095, 4_096, 12_287] {
            for bytes in [1, 320, 456, 457, 4_096, 8_192, 8_193] {
                let pieces: Vec<Piece> = pieces(offset, bytes).collect();
                let mut place = 0;
                for (piece, next) in pieces.iter().zip(pieces.iter().skip(1)) {
                    assert_eq!(next.number, piece.number + 1);
                }
                for piece in &pieces {
                    assert_eq!(piece.place.start, place);
                    assert_eq!(piece.content.len(), piece.place.len());
                    assert!(piece.content.end <= CONTENT_BYTES);
                    place = piece.place.end;
                }
                assert_eq!(place, bytes);
            }
        }
        assert!(pieces(4_096, 8_192).all(|piece| piece.whole), "whole pages are whole sectors");
        assert_eq!(pieces(4_096, 4_096).next().unwrap().number, 10);
        assert_eq!(file_length(8_192), 19 * 512);
    }

    #[test]
    fn every_flipped_byte_breaks_the_seal() {
        for content in [0, 7] {
            let mut sector = [content; SECTOR_BYTES];
            seal(&mut sector, 3);
            assert!(is_intact(&sector, 3));
            assert!(!is_intact(&sector, 4), "a sealed sector in another place");
            for byte in 0..SECTOR_BYTES {
                sector[byte] ^= 0x10;
                assert!(!is_intact(&sector, 3), "byte {byte}");
                sector[byte] ^= 0x10;
            }
        }
        let mut hole = [0; SECTOR_BYTES];
        assert!(is_intact(&hole, 3));
        hole[100] = 1;
        assert!(!is_intact(&hole, 3));
    }
}
