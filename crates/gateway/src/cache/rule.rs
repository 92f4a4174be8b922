//! Reads from the descriptors which answers may be kept and which calls make them old. What
//! the contract does not declare is never kept.

use std::time::Duration;

use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor, Value,
};

use crate::transcode::RuleError;

/// Stands for all things of a kind.
pub(super) const ANY: &str = "*";
/// A call that changes more things than this changes its whole kind.
const MOST_THINGS: usize = 256;

/// How answers of one RPC are kept.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(super) fresh: Duration,
    pub(super) stale: Duration,
    pub(super) last_good: Duration,
    /// None: slowness is waited for.
    pub(super) patience: Option<Duration>,
    pub(super) depends_on: Vec<Thing>,
    pub(super) input: MessageDescriptor,
    pub(super) marks: Option<Marks>,
}

/// The fields by which an answer says that it is less than it could be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Marks {
    pub(super) degraded: u32,
    pub(super) reason: Option<u32>,
}

/// What a call of one RPC makes old.
#[derive(Debug)]
pub(crate) struct Changes {
    pub(super) changes: Vec<Thing>,
    pub(super) forgets: Vec<Thing>,
    /// Whether nothing is declared of it, so that all its service answered is old.
    pub(super) is_unknown: bool,
    pub(super) input: MessageDescriptor,
}

/// A kind of thing, or one thing of a kind.
#[derive(Debug, PartialEq)]
pub(super) struct Thing {
    pub(super) kind: String,
    /// The fields down to the one that names it.
    pub(super) field: Option<Vec<FieldDescriptor>>,
}

/// How answers of `rpc` are kept, if at all.
pub(crate) fn rule_of(pool: &DescriptorPool, rpc: &MethodDescriptor) -> Result<Option<Rule>, RuleError> {
    let Some(extension) = pool.get_extension_by_name("larder.cache.v1.cached") else { return Ok(None) };
    let options = rpc.options();
    if !options.has_extension(&extension) {
        return Ok(None);
    }
    let refuse = |reason| RuleError::Rule { rpc: rpc.full_name().to_owned(), reason };
    if rpc.is_client_streaming() || rpc.is_server_streaming() {
        return Err(refuse("streams are not kept; `cached` is for RPCs with one answer"));
    }
    let Value::Message(declared) = options.get_extension(&extension).into_owned() else {
        return Err(refuse("`cached` is not a larder.cache.v1.CacheRule"));
    };
    let duration = |name: &str| {
        let value = declared.get_field_by_name(name);
        let ms = value.and_then(|value| value.as_i32()).unwrap_or(0);
        let ms = u64::try_from(ms).map_err(|_| refuse("the times of `cached` must not be negative"));
        ms.map(Duration::from_millis)
    };
    let depends_on = declared.get_field_by_name("depends_on");
    let depends_on = depends_on.as_deref().map(texts_in).unwrap_or_default();
    let patience = duration("patience_ms")?;
    Ok(Some(Rule {
        fresh: duration("fresh_ms")?,
        stale: duration("stale_ms")?,
        last_good: duration("last_good_ms")?,
        patience: (!patience.is_zero()).then_some(patience),
        depends_on: things(rpc, &depends_on)?,
        input: rpc.input(),
        marks: marks_of(&rpc.output()),
    }))
}

/// What a call of `rpc` makes old; none for one that reads.
pub(crate) fn changes_of(
    pool: &DescriptorPool,
    rpc: &MethodDescriptor,
    is_reading: bool,
) -> Result<Option<Changes>, RuleError> {
    let changes = things(rpc, &texts(pool, rpc, "larder.cache.v1.changes"))?;
    let forgets = things(rpc, &texts(pool, rpc, "larder.cache.v1.forgets"))?;
    let is_unknown = changes.is_empty() && forgets.is_empty();
    if is_unknown && is_reading {
        return Ok(None);
    }
    Ok(Some(Changes { changes, forgets, is_unknown, input: rpc.input() }))
}

impl Thing {
    /// The names of what `message` speaks of; the whole kind where it names too many.
    pub(super) fn named_in(&self, message: &DynamicMessage, names: &mut Vec<String>) {
        let Some(fields) = &self.field else { return names.push(self.kind.clone()) };
        let mut ids = Vec::new();
        collect(&Value::Message(message.clone()), fields, &mut ids);
        ids.sort_unstable();
        ids.dedup();
        if ids.len() > MOST_THINGS {
            return names.push(self.any());
        }
        names.extend(ids.into_iter().map(|id| format!("{}/{id}", self.kind)));
    }

    /// The name of all things of the kind.
    pub(super) fn any(&self) -> String {
        if self.field.is_some() { format!("{}/{ANY}", self.kind) } else { self.kind.clone() }
    }
}

fn collect(value: &Value, fields: &[FieldDescriptor], ids: &mut Vec<String>) {
    match (value, fields.split_first()) {
        (Value::List(values), _) => values.iter().for_each(|value| collect(value, fields, ids)),
        (Value::Message(message), Some((field, rest))) if message.has_field(field) => {
            collect(&message.get_field(field), rest, ids);
        }
        (Value::String(id), None) => ids.push(id.clone()),
        _ => {}
    }
}

fn texts(pool: &DescriptorPool, rpc: &MethodDescriptor, option: &str) -> Vec<String> {
    let Some(extension) = pool.get_extension_by_name(option) else { return Vec::new() };
    let options = rpc.options();
    texts_in(&options.get_extension(&extension))
}

fn texts_in(list: &Value) -> Vec<String> {
    let values = list.as_list().unwrap_or_default();
    values.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect()
}

/// Reads `catalog` and `customer/{customer_id}`.
fn things(rpc: &MethodDescriptor, declared: &[String]) -> Result<Vec<Thing>, RuleError> {
    declared.iter().map(|text| thing(rpc, text)).collect()
}

fn thing(rpc: &MethodDescriptor, text: &str) -> Result<Thing, RuleError> {
    let refuse =
        |reason| RuleError::Field { rpc: rpc.full_name().to_owned(), field: text.to_owned(), reason };
    let Some((kind, name)) = text.split_once('/') else {
        return Ok(Thing { kind: text.to_owned(), field: None });
    };
    let path = name.strip_prefix('{').and_then(|name| name.strip_suffix('}'));
    let path = path.ok_or_else(|| refuse("names no field; accepted are `kind` and `kind/{field}`"))?;
    let mut message = Some(rpc.input());
    let mut fields: Vec<FieldDescriptor> = Vec::new();
    for name in path.split('.') {
        let field = message.as_ref().and_then(|message| message.get_field_by_name(name));
        let field = field.ok_or_else(|| refuse("names a field that is not in the request"))?;
        message = field.kind().as_message().cloned();
        fields.push(field);
    }
    if fields.last().is_none_or(|field| field.kind() != Kind::String) {
        return Err(refuse("names a field that is no string"));
    }
    Ok(Thing { kind: kind.to_owned(), field: Some(fields) })
}

fn marks_of(answer: &MessageDescriptor) -> Option<Marks> {
    let degraded = answer.get_field_by_name("degraded").filter(|field| field.kind() == Kind::Bool)?;
    let reason = answer.get_field_by_name("degraded_reason").filter(|field| field.kind() == Kind::String);
    Some(Marks { degraded: degraded.number(), reason: reason.map(|field| field.number()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool() -> DescriptorPool {
        DescriptorPool::decode(larder_proto::FILE_DESCRIPTOR_SET).unwrap()
    }

    fn rpc(pool: &DescriptorPool, service: &str, name: &str) -> MethodDescriptor {
        pool.get_service_by_name(service).unwrap().methods().find(|rpc| rpc.name() == name).unwrap()
    }

    fn named(changes: &Changes, json: &serde_json::Value) -> Vec<String> {
        let message = DynamicMessage::deserialize(changes.input.clone(), json).unwrap();
        let mut names = Vec::new();
        changes.changes.iter().for_each(|thing| thing.named_in(&message, &mut names));
        names
    }

    #[test]
    fn a_batch_makes_old_what_its_rows_name() {
        let pool = pool();
        let rpc = rpc(&pool, "larder.catalog.v1.CatalogService", "BatchRecordInteractions");
        let changes = changes_of(&pool, &rpc, false).unwrap().unwrap();
        let rows = serde_json::json!({"interactions": [{"customerId": "b"}, {"customerId": "a"}, {"customerId": "b"}]});
        assert_eq!(named(&changes, &rows), ["customer/a", "customer/b"]);
        let many: Vec<_> = (0..300).map(|at| serde_json::json!({"customerId": format!("c{at}")})).collect();
        assert_eq!(named(&changes, &serde_json::json!({"interactions": many})), ["customer/*"]);
    }

    #[test]
    fn a_write_that_declares_nothing_makes_everything_old_and_a_reading_nothing() {
        let pool = pool();
        let write = rpc(&pool, "larder.backup.v1.BackupService", "CreateBackup");
        assert!(changes_of(&pool, &write, false).unwrap().unwrap().is_unknown);
        let read = rpc(&pool, "larder.catalog.v1.CatalogService", "GetProduct");
        assert!(changes_of(&pool, &read, true).unwrap().is_none());
    }

    #[test]
    fn every_declaration_of_the_contract_can_be_kept() {
        let pool = pool();
        let mut kept = 0;
        for rpc in pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
            changes_of(&pool, &rpc, true).unwrap();
            let Some(rule) = rule_of(&pool, &rpc).unwrap() else { continue };
            kept += 1;
            assert!(changes_of(&pool, &rpc, true).unwrap().is_none(), "{} reads and writes", rpc.full_name());
            assert!(rule.fresh <= rule.last_good, "{}", rpc.full_name());
        }
        assert!(kept >= 8, "{kept}");
    }
}
