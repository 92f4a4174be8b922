//! The table of routes: finds the route for a method and a path. A literal wins over `*`,
//! `*` over `**`; a path that exists for other methods only tells which.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use http::Method;

use super::rule::{Route, RuleError};
use super::template::Segment;

/// Every route, searchable.
#[derive(Debug, Default)]
pub(crate) struct RouteTable {
    routes: Vec<Arc<Route>>,
    root: Node,
}

/// What a path and a method lead to.
#[derive(Debug)]
pub(crate) enum Found<'a> {
    /// A route, and the raw text of each of its variables.
    Route(&'a Arc<Route>, Vec<String>),
    /// The path exists for these methods, sorted.
    OtherMethods(BTreeSet<&'a str>),
    /// No route has this path.
    Nothing,
}

#[derive(Debug, Default)]
struct Node {
    literals: HashMap<String, Node>,
    one: Option<Box<Node>>,
    /// Routes that end here: by verb, then by method.
    ends: Vec<End>,
    /// Routes that take everything from here on.
    rests: Vec<End>,
}

#[derive(Debug)]
struct End {
    verb: Option<String>,
    route: usize,
}

impl RouteTable {
    /// Builds the table; two routes for the same requests are an error.
    pub(crate) fn new(routes: Vec<Route>) -> Result<Self, RuleError> {
        let routes = routes.into_iter().map(Arc::new).collect();
        let mut table = Self { routes, root: Node::default() };
        for at in 0..table.routes.len() {
            table.insert(at)?;
        }
        Ok(table)
    }

    /// All routes in the order of the descriptors.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Route> {
        self.routes.iter().map(AsRef::as_ref)
    }

    /// Finds the route for a request. `path` is still percent-encoded.
    pub(crate) fn find(&self, method: &Method, path: &str) -> Found<'_> {
        let Some(path) = path.strip_prefix('/') else { return Found::Nothing };
        let mut search = Search { table: self, method, others: BTreeSet::new() };
        let (before_verb, verb) = split_verb(path);
        let attempts = [(before_verb, verb), (path, None)];
        for (path, verb) in attempts.iter().skip(usize::from(verb.is_none())) {
            let segments: Vec<&str> = path.split('/').collect();
            if let Some(route) = search.visit(&self.root, &segments, *verb) {
                return Found::Route(route, captures(route, &segments));
            }
            // A verb that exists at this place is never taken for a part of an id.
            if !search.others.is_empty() {
                break;
            }
        }
        if search.others.is_empty() { Found::Nothing } else { Found::OtherMethods(search.others) }
    }

    fn insert(&mut self, at: usize) -> Result<(), RuleError> {
        let route = self.routes[at].clone();
        let mut node = &mut self.root;
        let mut rest = false;
        for segment in &route.template.segments {
            match segment {
                Segment::Literal(literal) => node = node.literals.entry(literal.clone()).or_default(),
                Segment::One => node = node.one.get_or_insert_default(),
                Segment::Rest => rest = true,
            }
        }
        let ends = if rest { &mut node.rests } else { &mut node.ends };
        let same = ends.iter().find(|end| {
            end.verb == route.template.verb && self.routes[end.route].http_method == route.http_method
        });
        if let Some(same) = same {
            return Err(RuleError::Duplicate {
                http_method: route.http_method.clone(),
                template: route.template.to_string(),
                first: self.routes[same.route].rpc.full_name().to_owned(),
                second: route.rpc.full_name().to_owned(),
            });
        }
        ends.push(End { verb: route.template.verb.clone(), route: at });
        Ok(())
    }
}

struct Search<'a, 'b> {
    table: &'a RouteTable,
    method: &'b Method,
    others: BTreeSet<&'a str>,
}

impl<'a> Search<'a, '_> {
    fn visit(&mut self, node: &'a Node, segments: &[&str], verb: Option<&str>) -> Option<&'a Arc<Route>> {
        let Some((segment, rest)) = segments.split_first() else {
            return self.end(&node.ends, verb).or_else(|| self.end(&node.rests, verb));
        };
        if let Some(next) = node.literals.get(*segment)
            && let Some(route) = self.visit(next, rest, verb)
        {
            return Some(route);
        }
        if !segment.is_empty()
            && let Some(next) = &node.one
            && let Some(route) = self.visit(next, rest, verb)
        {
            return Some(route);
        }
        self.end(&node.rests, verb)
    }

    fn end(&mut self, ends: &'a [End], verb: Option<&str>) -> Option<&'a Arc<Route>> {
        for end in ends.iter().filter(|end| end.verb.as_deref() == verb) {
            let route = &self.table.routes[end.route];
            if route.http_method == *self.method {
                return Some(route);
            }
            self.others.insert(route.http_method.as_str());
        }
        None
    }
}

/// Splits `products:batchUpsert` at the last colon of the last segment. An encoded colon is
/// data and never begins a verb.
fn split_verb(path: &str) -> (&str, Option<&str>) {
    match path.rsplit_once(':') {
        Some((before, verb)) if !verb.contains('/') => (before, Some(verb)),
        _ => (path, None),
    }
}

fn captures(route: &Route, segments: &[&str]) -> Vec<String> {
    let takes_rest = route.template.segments.last() == Some(&Segment::Rest);
    let template_len = route.template.segments.len();
    let capture = |first: usize, end: usize| {
        let end = if takes_rest && end == template_len { segments.len() } else { end };
        segments[first.min(end)..end].join("/")
    };
    route.template.variables.iter().map(|variable| capture(variable.first, variable.end)).collect()
}
