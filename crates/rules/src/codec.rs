//! Protobuf's codec with rules: a message that breaks one is refused in the place of being decoded.

use std::marker::PhantomData;

use prost::Message;
use prost::bytes::Buf;
use tonic::Status;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder};
use tonic_prost::{ProstDecoder, ProstEncoder};

use crate::error;
use crate::rule::Ruled;
use crate::scan;

/// Encodes `T` and decodes `U`.
#[derive(Debug, Clone)]
pub struct RuledCodec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for RuledCodec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> Codec for RuledCodec<T, U>
where
    T: Message + Send + 'static,
    U: Message + Default + Ruled + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = RuledDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstEncoder::new(BufferSettings::default())
    }

    fn decoder(&mut self) -> Self::Decoder {
        RuledDecoder(ProstDecoder::new(BufferSettings::default()))
    }
}

/// Decodes `U` when it keeps its rules.
#[derive(Debug, Clone)]
pub struct RuledDecoder<U>(ProstDecoder<U>);

impl<U: Message + Default + Ruled> Decoder for RuledDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        if let Some(rules) = U::RULES {
            // tonic hands over a whole message at a time.
            let violations = match buffer.chunk() {
                whole if whole.len() == buffer.remaining() => scan::check(rules, whole),
                _ => return Err(error::in_pieces()),
            };
            if !violations.is_empty() {
                return Err(error::refused(violations));
            }
        }
        self.0.decode(buffer)
    }

    fn buffer_settings(&self) -> BufferSettings {
        self.0.buffer_settings()
    }
}
