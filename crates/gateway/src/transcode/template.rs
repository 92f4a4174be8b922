//! Path templates as `google.api.http` writes them: `/v1/customers/{customer_id}:erase`.
//! Parses a template once at start; what it matches is decided by `routes.rs`.

use std::fmt;

/// One piece of a path between two slashes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Segment {
    /// Exactly this text.
    Literal(String),
    /// Any one segment that is not empty: `*`.
    One,
    /// Whatever is left, slashes included: `**`, only at the end.
    Rest,
}

/// A field of the request that a part of the path fills.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Variable {
    /// Names from the request down to the field, as the proto spells them.
    pub(crate) field_path: Vec<String>,
    /// The first segment it takes.
    pub(crate) first: usize,
    /// One past the last segment it takes; with `**` everything up to the end of the path.
    pub(crate) end: usize,
    /// Whether it may hold slashes: it spans `**` or more than one segment.
    pub(crate) multi: bool,
}

/// A parsed template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PathTemplate {
    pub(crate) segments: Vec<Segment>,
    pub(crate) variables: Vec<Variable>,
    /// The custom verb after the last colon, such as `batchUpsert`.
    pub(crate) verb: Option<String>,
    text: String,
}

/// Why a template was refused; the descriptors are at fault, so the gateway does not start.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("path template {template:?}: {reason}")]
pub struct TemplateError {
    template: String,
    reason: &'static str,
}

impl PathTemplate {
    /// Parses `text`.
    pub(crate) fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut parser = Parser { rest: text, segments: Vec::new(), variables: Vec::new() };
        let verb = parser.template().map_err(|reason| TemplateError { template: text.to_owned(), reason })?;
        Ok(Self { segments: parser.segments, variables: parser.variables, verb, text: text.to_owned() })
    }

    /// The template with every variable in braces by its bare name, as OpenAPI writes it.
    pub(crate) fn openapi_path(&self) -> String {
        let mut path = String::new();
        let mut at = 0;
        while at < self.segments.len() {
            path.push('/');
            if let Some(variable) = self.variables.iter().find(|variable| variable.first == at) {
                path.push_str(&format!("{{{}}}", variable.openapi_name()));
                at = variable.end.max(at + 1);
                continue;
            }
            match &self.segments[at] {
                Segment::Literal(literal) => path.push_str(literal),
                Segment::One => path.push('*'),
                Segment::Rest => path.push_str("**"),
            }
            at += 1;
        }
        if let Some(verb) = &self.verb {
            path.push(':');
            path.push_str(verb);
        }
        path
    }
}

impl Variable {
    /// The name in OpenAPI, whose templates take no dots.
    pub(crate) fn openapi_name(&self) -> String {
        self.field_path.join("_")
    }
}

impl fmt::Display for PathTemplate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

struct Parser<'a> {
    rest: &'a str,
    segments: Vec<Segment>,
    variables: Vec<Variable>,
}

impl Parser<'_> {
    fn template(&mut self) -> Result<Option<String>, &'static str> {
        if !self.take("/") {
            return Err("it must begin with a slash");
        }
        self.segments(true)?;
        let verb = if self.take(":") {
            let verb = self.literal()?;
            Some(verb)
        } else {
            None
        };
        if !self.rest.is_empty() {
            return Err("there is something after its end");
        }
        let rests = self.segments.iter().filter(|segment| **segment == Segment::Rest).count();
        if rests > 1 || (rests == 1 && self.segments.last() != Some(&Segment::Rest)) {
            return Err("`**` may only be the last segment");
        }
        Ok(verb)
    }

    fn segments(&mut self, variables_allowed: bool) -> Result<(), &'static str> {
        loop {
            if self.take("**") {
                self.segments.push(Segment::Rest);
            } else if self.take("*") {
                self.segments.push(Segment::One);
            } else if self.take("{") {
                if !variables_allowed {
                    return Err("a variable may not hold another variable");
                }
                self.variable()?;
            } else {
                let literal = self.literal()?;
                self.segments.push(Segment::Literal(literal));
            }
            if !self.take("/") {
                return Ok(());
            }
        }
    }

    fn variable(&mut self) -> Result<(), &'static str> {
        let mut field_path = vec![self.identifier()?];
        while self.take(".") {
            field_path.push(self.identifier()?);
        }
        let first = self.segments.len();
        if self.take("=") {
            self.segments(false)?;
        } else {
            self.segments.push(Segment::One);
        }
        if !self.take("}") {
            return Err("a variable is not closed");
        }
        let end = self.segments.len();
        let multi = end - first > 1 || self.segments[first] == Segment::Rest;
        if self.variables.iter().any(|variable| variable.field_path == field_path) {
            return Err("a field is named twice");
        }
        self.variables.push(Variable { field_path, first, end, multi });
        Ok(())
    }

    fn identifier(&mut self) -> Result<String, &'static str> {
        self.text_of(|character| character.is_ascii_alphanumeric() || character == '_')
    }

    fn literal(&mut self) -> Result<String, &'static str> {
        self.text_of(|character| character.is_ascii_alphanumeric() || "-_.~".contains(character))
    }

    fn text_of(&mut self, allowed: impl Fn(char) -> bool) -> Result<String, &'static str> {
        let end = self.rest.find(|character| !allowed(character)).unwrap_or(self.rest.len());
        if end == 0 {
            return Err("a name or a literal is empty or holds a character that may not stand there");
        }
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        Ok(text.to_owned())
    }

    fn take(&mut self, token: &str) -> bool {
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_literals_variables_and_the_verb() {
        let template = PathTemplate::parse("/v1/customers/{customer_id}:erase").unwrap();
        assert_eq!(
            template.segments,
            [Segment::Literal("v1".into()), Segment::Literal("customers".into()), Segment::One]
        );
        assert_eq!(template.verb.as_deref(), Some("erase"));
        assert_eq!(template.variables[0].field_path, ["customer_id"]);
        assert_eq!((template.variables[0].first, template.variables[0].end), (2, 3));
        assert!(!template.variables[0].multi);
    }

    #[test]
    fn reads_nested_fields_and_many_segments() {
        let template = PathTemplate::parse("/v1/{parent.name=shelves/*}/books/{book=**}").unwrap();
        assert_eq!(template.segments.len(), 5);
        assert_eq!(template.variables[0].field_path, ["parent", "name"]);
        assert!(template.variables[0].multi);
        assert_eq!((template.variables[1].first, template.variables[1].multi), (4, true));
        assert_eq!(template.openapi_path(), "/v1/{parent_name}/books/{book}");
    }

    #[test]
    fn refuses_what_could_not_be_matched() {
        for text in
            ["", "v1", "/", "/v1/{a", "/v1/{a={b}}", "/**/x", "/v1/{a}/{a}", "/v1//x", "/v1/x:", "/v1/a b"]
        {
            assert!(PathTemplate::parse(text).is_err(), "{text:?} was accepted");
        }
    }
}
