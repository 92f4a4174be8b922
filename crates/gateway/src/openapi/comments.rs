//! The comments of the protos, found by the place of what they are about.

use std::collections::HashMap;

use prost_reflect::{
    DescriptorPool, EnumDescriptor, EnumValueDescriptor, FieldDescriptor, FileDescriptor, MessageDescriptor,
    MethodDescriptor, ServiceDescriptor,
};

/// Every leading comment of every file.
pub(crate) struct Comments {
    by_place: HashMap<(String, Vec<i32>), String>,
}

impl Comments {
    /// Reads the comments of `pool`; without source information there are none.
    pub(crate) fn new(pool: &DescriptorPool) -> Self {
        let mut by_place = HashMap::new();
        for file in pool.file_descriptor_protos() {
            let locations = file.source_code_info.iter().flat_map(|info| &info.location);
            for location in locations {
                let comment = location.leading_comments().trim();
                if !comment.is_empty() {
                    by_place.insert((file.name().to_owned(), location.path.clone()), unwrapped(comment));
                }
            }
        }
        Self { by_place }
    }

    pub(crate) fn of_service(&self, service: &ServiceDescriptor) -> Option<&str> {
        self.at(&service.parent_file(), service.path())
    }

    pub(crate) fn of_rpc(&self, rpc: &MethodDescriptor) -> Option<&str> {
        self.at(&rpc.parent_file(), rpc.path())
    }

    pub(crate) fn of_message(&self, message: &MessageDescriptor) -> Option<&str> {
        self.at(&message.parent_file(), message.path())
    }

    pub(crate) fn of_field(&self, field: &FieldDescriptor) -> Option<&str> {
        self.at(&field.parent_file(), field.path())
    }

    pub(crate) fn of_enum(&self, descriptor: &EnumDescriptor) -> Option<&str> {
        self.at(&descriptor.parent_file(), descriptor.path())
    }

    pub(crate) fn of_enum_value(&self, value: &EnumValueDescriptor) -> Option<&str> {
        self.at(&value.parent_file(), value.path())
    }

    fn at(&self, file: &FileDescriptor, path: &[i32]) -> Option<&str> {
        self.by_place.get(&(file.name().to_owned(), path.to_vec())).map(String::as_str)
    }
}

/// A comment without the line breaks that only kept it narrow; empty lines stay.
fn unwrapped(comment: &str) -> String {
    let paragraphs = comment.split("\n\n").map(|paragraph| {
        let lines: Vec<&str> = paragraph.lines().map(str::trim).collect();
        lines.join(" ")
    });
    paragraphs.collect::<Vec<_>>().join("\n\n")
}
