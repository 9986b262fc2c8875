//! Changes of a sequence of records: steps are left out, repeated, moved, put in and changed as wholes.

use libfuzzer_sys::fuzzer_mutate;

use crate::node::records::{LENGTH_MAX, split_first};

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % (bound.max(1) as u64)) as usize
    }

    fn byte(&mut self) -> u8 {
        self.next() as u8
    }

    /// A step of any kind. Small numbers are what most choices look at.
    fn record(&mut self) -> Vec<u8> {
        let length = 1 + self.below(16);
        (0..length)
            .map(|place| if place == 0 || self.below(3) == 0 { self.byte() } else { self.byte() % 13 })
            .collect()
    }
}

fn split(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    while let Some((record, rest)) = split_first(bytes) {
        records.push(record.to_vec());
        bytes = rest;
    }
    records
}

/// As many of the records as there is room for.
fn join(records: &[Vec<u8>], out: &mut [u8]) -> usize {
    let mut size = 0;
    for record in records {
        let end = size + 1 + record.len();
        if end > out.len() {
            break;
        }
        out[size] = record.len() as u8;
        out[size + 1..end].copy_from_slice(record);
        size = end;
    }
    size
}

pub fn mutate(data: &mut [u8], size: usize, size_max: usize, seed: u32) -> usize {
    let random = &mut Random(u64::from(seed));
    if random.below(32) == 0 {
        return fuzzer_mutate(data, size, size_max);
    }
    let mut records = split(&data[..size]);
    for _ in 0..=random.below(3) {
        mutate_records(&mut records, random);
    }
    join(&records, &mut data[..size_max])
}

fn mutate_records(records: &mut Vec<Vec<u8>>, random: &mut Random) {
    let place = random.below(records.len());
    let end = (place + 1 + random.below(8)).min(records.len());
    let target = random.below(records.len() + 1);
    match random.below(16) {
        _ if records.is_empty() => records.push(random.record()),
        0 => drop(records.drain(place..end)),
        1 => drop(records.remove(place)),
        2 => {
            let stretch = records[place..end].to_vec();
            drop(records.splice(target..target, stretch));
        }
        3 => {
            let record = records[place].clone();
            records.insert(target, record);
        }
        4 => {
            let other = target.min(records.len() - 1);
            records.swap(place, other);
        }
        5..=7 => records.insert(target, random.record()),
        8 => records.push(random.record()),
        9 => {
            let record = &mut records[place];
            if !record.is_empty() {
                let at = random.below(record.len());
                record[at] = random.byte();
            }
        }
        10 => {
            let record = &mut records[place];
            let at = random.below(record.len() + 1);
            if record.len() < LENGTH_MAX {
                record.insert(at, random.byte() % 13);
            }
        }
        _ => {
            let record = &mut records[place];
            let size = record.len();
            record.resize(LENGTH_MAX, 0);
            let size = fuzzer_mutate(record, size, LENGTH_MAX);
            record.truncate(size);
        }
    }
}

/// The beginning of one sequence, with a stretch of another behind it or in it.
pub fn cross(one: &[u8], other: &[u8], out: &mut [u8], seed: u32) -> usize {
    let random = &mut Random(u64::from(seed));
    let (mut one, other) = (split(one), split(other));
    let from = random.below(other.len());
    let to = (from + 1 + random.below(other.len())).min(other.len());
    let place = random.below(one.len() + 1);
    if random.below(2) == 0 {
        one.truncate(place);
    }
    let place = place.min(one.len());
    drop(one.splice(place..place, other[from..to].iter().cloned()));
    join(&one, out)
}
