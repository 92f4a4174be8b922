//! Forms that bring a file: their fields are read, and the file is left to whoever wants it, part by part while it
//! arrives. The file is the last field of its form.

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use multer::{Field, Multipart};

use crate::fields::Fields;
use crate::refusal::Refusal;
use crate::visit::MOST_BYTES;

/// A file on its way here.
pub(crate) struct Upload {
    /// As the browser calls it.
    pub(crate) file_name: String,
    field: Field<'static>,
    read: BytesMut,
}

impl Upload {
    /// The next part of the file: shorter than `most` bytes only at its end, and empty behind it.
    pub(crate) async fn part(&mut self, most: usize) -> Result<Bytes, Refusal> {
        while self.read.len() < most {
            match self.field.chunk().await.map_err(broken)? {
                Some(chunk) => self.read.extend_from_slice(&chunk),
                None => break,
            }
        }
        let length = self.read.len().min(most);
        Ok(self.read.split_to(length).freeze())
    }
}

/// Reads a form up to its file.
pub(crate) async fn read(content_type: &str, body: Body) -> Result<(Fields, Option<Upload>), Refusal> {
    let boundary = multer::parse_boundary(content_type);
    let boundary = boundary.map_err(|_| Refusal::new(400, "the form does not say what parts its fields"))?;
    let mut parts = Multipart::new(body.into_data_stream(), boundary);
    let (mut fields, mut left) = (Vec::new(), MOST_BYTES);
    while let Some(field) = parts.next_field().await.map_err(broken)? {
        let name = field.name().unwrap_or_default().to_owned();
        match field.file_name().map(str::to_owned) {
            // A browser sends a file without a name when none was chosen.
            Some(file_name) if file_name.is_empty() => {}
            Some(file_name) => {
                let upload = Upload { file_name, field, read: BytesMut::new() };
                return Ok((Fields::of(fields), Some(upload)));
            }
            None => fields.push((name, text(field, &mut left).await?)),
        }
    }
    Ok((Fields::of(fields), None))
}

async fn text(mut field: Field<'static>, left: &mut usize) -> Result<String, Refusal> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(broken)? {
        let remains = left.checked_sub(chunk.len());
        *left = remains.ok_or_else(|| Refusal::new(413, "the form is larger than 1 MiB without its file"))?;
        bytes.extend_from_slice(&chunk);
    }
    String::from_utf8(bytes).map_err(|_| Refusal::new(400, "the fields of a form must be UTF-8"))
}

fn broken(_: multer::Error) -> Refusal {
    Refusal::new(400, "the form ended before it was complete, or its parts cannot be told from each other")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: &str = "multipart/form-data; boundary=x";

    fn field(name: &str, value: &str) -> String {
        format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    }

    fn file(name: &str, content: &str) -> String {
        let head = format!("Content-Disposition: form-data; name=\"file\"; filename=\"{name}\"");
        format!("--x\r\n{head}\r\nContent-Type: text/csv\r\n\r\n{content}\r\n--x--\r\n")
    }

    #[tokio::test]
    async fn a_file_is_read_in_parts_behind_its_fields() {
        let sent = field("kind", "products") + &file("a \u{e4}.csv", "0123456789");
        let (fields, upload) = read(TYPE, Body::from(sent)).await.unwrap();
        assert_eq!(fields.get("kind"), "products");
        let mut upload = upload.unwrap();
        assert_eq!(upload.file_name, "a \u{e4}.csv");
        let mut parts = Vec::new();
        for _ in 0..4 {
            parts.push(upload.part(4).await.unwrap());
        }
        assert_eq!(parts, ["0123", "4567", "89", ""]);
    }

    #[tokio::test]
    async fn a_form_without_a_file_has_none() {
        let sent = field("kind", "products") + &file("", "");
        let (fields, upload) = read(TYPE, Body::from(sent)).await.unwrap();
        assert!(fields.get("kind") == "products" && upload.is_none());
    }

    #[tokio::test]
    async fn forms_that_are_cut_short_or_too_long_are_refused() {
        let cut = field("kind", "products") + "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb";
        for (sent, kind, status) in [
            (cut, TYPE, 400),
            (field("a", &"b".repeat(MOST_BYTES + 1)) + "--x--\r\n", TYPE, 413),
            (String::new(), "multipart/form-data", 400),
        ] {
            let refused = read(kind, Body::from(sent)).await.err().map(|refusal| refusal.status);
            assert_eq!(refused, Some(status), "{kind}");
        }
        let cut = file("a.csv", "0123").replace("--x--", "");
        let mut upload = read(TYPE, Body::from(cut)).await.unwrap().1.unwrap();
        assert!(upload.part(1_000).await.is_err(), "half a file is none");
    }
}
