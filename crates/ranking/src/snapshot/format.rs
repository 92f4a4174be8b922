//! The snapshot file: a mark, the format's version, the whole length, then sections in a fixed
//! order, each with its length and a CRC-32. A change of layout is a new version number.

mod customers;
mod models;
mod products;
mod shortlists;

use super::{
    Snapshot, SnapshotHeader, Tuning,
    bytes::{Reader, Writer},
};
use crate::{DiscoveryModel, ProfileModel, SnapshotError, Watermark, decay::HalfLife, ranker::LearnedRanker};

const MARK: [u8; 8] = *b"LARDER\x00S";
pub(super) const FORMAT_VERSION: u32 = 4;

/// Mark, version, length of the file, CRC-32 of these three.
const PREAMBLE_LENGTH: u64 = 8 + 4 + 8 + 4;

const SECTIONS: [&str; 9] = [
    "header",
    "products",
    "customers",
    "popularity",
    "neighbours",
    "shortlists",
    "discovery",
    "profiles",
    "ranker",
];

pub(super) fn encode(snapshot: &Snapshot) -> Vec<u8> {
    let payloads = [
        encode_header(snapshot),
        products::encode(&snapshot.products),
        customers::encode(&snapshot.customers, snapshot.reference_us),
        models::encode_popularity(&snapshot.models),
        models::encode_neighbours(&snapshot.models),
        shortlists::encode(&snapshot.shortlists),
        encode_discovery(snapshot.discovery.as_ref()),
        encode_profiles(snapshot.profiles.as_ref()),
        encode_ranker(snapshot.ranker.as_ref()),
    ];
    let mut body = Writer::default();
    for (number, payload) in (0u8..).zip(&payloads) {
        let mut frame = Writer::default();
        frame.u8(number);
        frame.u64(payload.len() as u64);
        let frame = frame.into_bytes();
        body.raw(&frame);
        body.u32(checksum(&[&frame, payload]));
        body.raw(payload);
    }
    let body = body.into_bytes();
    let mut start = Writer::default();
    start.raw(&MARK);
    start.u32(FORMAT_VERSION);
    start.u64(PREAMBLE_LENGTH + body.len() as u64);
    let start = start.into_bytes();
    let mut file = Writer::default();
    file.raw(&start);
    file.u32(checksum(&[&start]));
    file.raw(&body);
    file.into_bytes()
}

pub(super) fn decode(bytes: &[u8]) -> Result<Snapshot, SnapshotError> {
    let mut file = Reader::new("preamble", bytes);
    if file.raw(MARK.len() as u64).map_err(|_| SnapshotError::NotASnapshot)? != MARK {
        return Err(SnapshotError::NotASnapshot);
    }
    let found = file.u32()?;
    if found != FORMAT_VERSION {
        return Err(SnapshotError::UnsupportedVersion { found, supported: FORMAT_VERSION });
    }
    let length = file.u64()?;
    if file.u32()? != checksum(&[&bytes[..PREAMBLE_LENGTH as usize - 4]]) {
        return Err(SnapshotError::ChecksumMismatch { section: "preamble" });
    }
    let present = bytes.len() as u64;
    if present < length {
        return Err(SnapshotError::Truncated { section: "file", needed: length, left: present });
    }
    if present > length {
        return Err(SnapshotError::TrailingBytes { count: present - length });
    }
    let mut sections = Vec::with_capacity(SECTIONS.len());
    for (number, section) in (0u8..).zip(SECTIONS) {
        sections.push(decode_section(&mut file, number, section)?);
    }
    file.finish()?;
    assemble(sections)
}

fn decode_section<'a>(
    file: &mut Reader<'a>,
    number: u8,
    section: &'static str,
) -> Result<Reader<'a>, SnapshotError> {
    let frame = file.raw(9)?;
    let stored = file.u32()?;
    let mut fields = Reader::new(section, frame);
    let found = fields.u8()?;
    let payload = file.raw(fields.u64()?)?;
    if stored != checksum(&[frame, payload]) || found != number {
        return Err(SnapshotError::ChecksumMismatch { section });
    }
    Ok(Reader::new(section, payload))
}

fn assemble(sections: Vec<Reader<'_>>) -> Result<Snapshot, SnapshotError> {
    let [header, products, customers, popularity, neighbours, shortlists, discovery, profiles, ranker]: [Reader<'_>;
        9] = sections.try_into().map_err(|_| SnapshotError::NotASnapshot)?;
    let (header, tuning, trained_at_us, reference_us) = decode_header(header)?;
    let products = products::decode(products)?;
    let customers = customers::decode(customers, reference_us, products.ids.len())?;
    let mut models = models::decode_popularity(popularity, products.ids.len())?;
    models::decode_neighbours(neighbours, &mut models)?;
    let shortlists = shortlists::decode(shortlists, customers.ids.len(), products.ids.len())?;
    let discovery = decode_discovery(discovery, customers.ids.len(), products.ids.len())?;
    let profiles = decode_profiles(profiles, products.ids.len())?;
    let ranker = decode_ranker(ranker)?;
    Ok(Snapshot {
        header,
        tuning,
        trained_at_us,
        reference_us,
        products,
        customers,
        models,
        shortlists,
        discovery,
        profiles,
        ranker,
    })
}

fn encode_discovery(discovery: Option<&DiscoveryModel>) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.u8(u8::from(discovery.is_some()));
    if let Some(model) = discovery {
        writer.raw(&model.encode());
    }
    writer.into_bytes()
}

fn decode_discovery(
    mut reader: Reader<'_>,
    customers: usize,
    products: usize,
) -> Result<Option<DiscoveryModel>, SnapshotError> {
    let model = match reader.u8()? {
        0 => None,
        1 => Some(DiscoveryModel::decode(&mut reader, customers, products)?),
        _ => return Err(reader.inconsistent("discovery is neither there nor missing")),
    };
    reader.finish()?;
    Ok(model)
}

fn encode_profiles(profiles: Option<&ProfileModel>) -> Vec<u8> {
    let bytes = profiles.map(ProfileModel::encode).unwrap_or_default();
    let mut writer = Writer::default();
    writer.u64(bytes.len() as u64);
    writer.raw(&bytes);
    writer.into_bytes()
}

fn decode_profiles(mut reader: Reader<'_>, products: usize) -> Result<Option<ProfileModel>, SnapshotError> {
    let length = reader.u64()?;
    let bytes = reader.raw(length)?;
    reader.finish()?;
    (length > 0).then(|| ProfileModel::decode(bytes, products)).transpose()
}

fn encode_ranker(ranker: Option<&LearnedRanker>) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.u8(u8::from(ranker.is_some()));
    if let Some(ranker) = ranker {
        ranker.encode(&mut writer);
    }
    writer.into_bytes()
}

fn decode_ranker(mut reader: Reader<'_>) -> Result<Option<LearnedRanker>, SnapshotError> {
    let ranker = match reader.u8()? {
        0 => None,
        1 => Some(LearnedRanker::decode(&mut reader)?),
        _ => return Err(reader.inconsistent("the ranker is neither there nor missing")),
    };
    reader.finish()?;
    Ok(ranker)
}

fn checksum(parts: &[&[u8]]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize()
}

fn encode_header(snapshot: &Snapshot) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.text(&snapshot.header.tenant);
    writer.text(&snapshot.header.version);
    writer.u64(snapshot.header.watermark.transaction_id);
    writer.i64(snapshot.header.watermark.sequence);
    writer.i64(snapshot.trained_at_us);
    writer.i64(snapshot.reference_us);
    writer.i64(snapshot.tuning.popularity_half_life.us());
    writer.i64(snapshot.tuning.personal_half_life.us());
    writer.u32(snapshot.tuning.neighbours_per_product);
    writer.into_bytes()
}

fn decode_header(mut reader: Reader<'_>) -> Result<(SnapshotHeader, Tuning, i64, i64), SnapshotError> {
    let tenant = reader.text()?;
    let version = reader.text()?;
    let watermark = Watermark { transaction_id: reader.u64()?, sequence: reader.i64()? };
    let (trained_at_us, reference_us) = (reader.i64()?, reader.i64()?);
    let tuning = Tuning {
        popularity_half_life: HalfLife::from_us(reader.i64()?),
        personal_half_life: HalfLife::from_us(reader.i64()?),
        neighbours_per_product: reader.u32()?,
    };
    reader.finish()?;
    Ok((SnapshotHeader { tenant, version, watermark }, tuning, trained_at_us, reference_us))
}
