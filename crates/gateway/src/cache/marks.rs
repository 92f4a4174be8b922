//! Whether an encoded answer says that it is degraded, and how one is made to say so, without
//! decoding it.

use bytes::{BufMut, Bytes, BytesMut};
use prost::encoding::{self, DecodeContext, WireType};

use super::rule::Marks;

/// Whether `message` says that it is degraded. One that cannot be read is.
pub(super) fn is_degraded(marks: Marks, message: &Bytes) -> bool {
    let mut rest = message.clone();
    let mut degraded = false;
    while !rest.is_empty() {
        let Ok((tag, wire_type)) = encoding::decode_key(&mut rest) else { return true };
        if tag == marks.degraded && wire_type == WireType::Varint {
            let Ok(value) = encoding::decode_varint(&mut rest) else { return true };
            degraded = value != 0;
        } else if encoding::skip_field(wire_type, tag, &mut rest, DecodeContext::default()).is_err() {
            return true;
        }
    }
    degraded
}

/// `message` that says it is degraded, and why: of a field that stands twice the last one counts.
pub(super) fn mark(marks: Marks, message: &Bytes, reason: &str) -> Bytes {
    let mut marked = BytesMut::with_capacity(message.len() + reason.len() + 16);
    marked.put_slice(message);
    encoding::bool::encode(marks.degraded, &true, &mut marked);
    if let Some(field) = marks.reason {
        encoding::string::encode(field, &reason.to_owned(), &mut marked);
    }
    marked.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost::Message;
    use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, SerializeOptions};
    use serde_json::{Value, json};

    const MARKS: Marks = Marks { degraded: 4, reason: Some(5) };

    fn kind() -> MessageDescriptor {
        let pool = DescriptorPool::decode(larder_proto::FILE_DESCRIPTOR_SET).unwrap();
        pool.get_message_by_name("larder.recommendation.v1.RecommendResponse").unwrap()
    }

    fn encoded(degraded: bool) -> Bytes {
        let recommendations = json!([{"productId": "a", "score": 0.5}]);
        let answer =
            json!({"recommendationId": "id", "recommendations": recommendations, "degraded": degraded});
        DynamicMessage::deserialize(kind(), answer).unwrap().encode_to_vec().into()
    }

    fn read(message: Bytes) -> Value {
        let message = DynamicMessage::decode(kind(), message).unwrap();
        message.serialize_with_options(serde_json::value::Serializer, &SerializeOptions::new()).unwrap()
    }

    #[test]
    fn an_answer_that_says_so_is_degraded_and_one_that_breaks_off_too() {
        assert!(!is_degraded(MARKS, &encoded(false)));
        assert!(is_degraded(MARKS, &encoded(true)));
        assert!(is_degraded(MARKS, &encoded(false).slice(..10)));
        assert!(!is_degraded(MARKS, &Bytes::new()));
    }

    #[test]
    fn a_marked_answer_is_the_same_but_for_the_mark() {
        let marked = mark(MARKS, &encoded(false), "the service is away");
        assert!(is_degraded(MARKS, &marked));
        let (before, after) = (read(encoded(false)), read(marked));
        assert_eq!(
            (&after["degraded"], &after["degradedReason"]),
            (&json!(true), &json!("the service is away"))
        );
        assert_eq!(after["recommendations"], before["recommendations"]);
    }
}
