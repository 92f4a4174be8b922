//! Which entries of an archive belong to a table. `pg_restore` alone gives a table without its keys,
//! indexes and sequences, so its list of contents is cut down to what belongs together.

use std::fmt;
use std::str::FromStr;

use super::manifest::DumpedTable;

/// A table by its schema and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TableName {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub table: String,
}

/// A text that names no table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} names no table; accepted is a schema and a name, such as public.orders or \"Odd\".\"my table\""
)]
pub struct RefusedTable(pub String);

impl FromStr for TableName {
    type Err = RefusedTable;

    fn from_str(text: &str) -> Result<Self, RefusedTable> {
        let refused = || RefusedTable(text.to_owned());
        let (schema, rest) = part(text).ok_or_else(refused)?;
        let (table, rest) = rest.strip_prefix('.').and_then(part).ok_or_else(refused)?;
        if rest.is_empty() { Ok(Self { schema, table }) } else { Err(refused()) }
    }
}

/// A name in quotes as it is, one without them up to the next dot, and what follows.
fn part(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find('.').unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        let plain = !name.is_empty() && !name.contains(['"', '*', '?', ' ', '\n']);
        return plain.then(|| (name.to_owned(), rest));
    };
    let (mut name, mut rest) = (String::new(), quoted);
    loop {
        let end = rest.find('"')?;
        name.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('"') {
            Some(more) => {
                name.push('"');
                rest = more;
            }
            None => return (!name.is_empty()).then_some((name, rest)),
        }
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.schema, self.table)
    }
}

/// Cuts a list of `pg_restore` down to these tables: their rows, defaults, keys, indexes, sequences,
/// comments and rights. What needs something else than the table, such as a foreign key, a trigger or a
/// policy, is left out.
pub(super) fn cut_down(list: &str, tables: &[&DumpedTable]) -> String {
    let mut kept = String::new();
    for line in list.lines() {
        // 3412; 1259 16389 TABLE public jars postgres
        let entry = line.split_once("; ").and_then(|(_, rest)| rest.splitn(3, ' ').nth(2));
        if let Some(entry) = entry.filter(|_| !line.starts_with(';'))
            && tables.iter().any(|table| belongs(entry, table))
        {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

fn belongs(entry: &str, table: &DumpedTable) -> bool {
    // The program writes line breaks in names as blanks.
    let entry_of = |text: String| text.replace(['\n', '\r'], " ");
    let DumpedTable { schema, table: name, owner, .. } = table;
    let is =
        |kind: &str, schema: &str, name: &str| entry == entry_of(format!("{kind} {schema} {name} {owner}"));
    let begins = |text: String| entry.starts_with(&entry_of(text));
    ["TABLE", "TABLE DATA", "STATISTICS DATA", "COMMENT", "ACL"].iter().any(|kind| is(kind, schema, name))
        || is("COMMENT", schema, &format!("TABLE {name}"))
        || is("ACL", schema, &format!("TABLE {name}"))
        || ["DEFAULT", "CONSTRAINT", "CHECK CONSTRAINT"]
            .iter()
            .any(|kind| begins(format!("{kind} {schema} {name} ")))
        || ["COMMENT", "ACL"].iter().any(|kind| begins(format!("{kind} {schema} COLUMN {name}.")))
        || table.indexes.iter().any(|index| is("INDEX", schema, index))
        || table.sequences.iter().any(|(schema, sequence)| {
            ["SEQUENCE", "SEQUENCE OWNED BY", "SEQUENCE SET"].iter().any(|kind| is(kind, schema, sequence))
        })
        || begins(format!("SCHEMA - {schema} "))
        || begins(format!("ACL - SCHEMA {schema} "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(schema: &str, table: &str) -> TableName {
        TableName { schema: schema.to_owned(), table: table.to_owned() }
    }

    #[test]
    fn names_are_read_with_and_without_quotes() {
        assert_eq!("public.orders".parse(), Ok(name("public", "orders")));
        assert_eq!("\"Odd.one\".\"a\"\"b c\"".parse(), Ok(name("Odd.one", "a\"b c")));
        for text in
            ["orders", "", ".", "public.", ".orders", "a.b.c", "public.*", "\"a.b", "a.\"b\"c", "a. b"]
        {
            assert!(text.parse::<TableName>().is_err(), "{text:?}");
        }
    }

    const LIST: &str = "\
;
; Archive created at 2026-11-23 08:00:00 UTC
; Selected TOC Entries:
;
6; 2615 16385 SCHEMA - shop cook
220; 1259 16390 TABLE shop jars cook
219; 1259 16389 SEQUENCE shop jars_id_seq cook
3500; 0 0 SEQUENCE OWNED BY shop jars_id_seq cook
3501; 0 0 COMMENT shop TABLE jars cook
3502; 0 0 ACL shop TABLE jars cook
221; 1259 16395 TABLE shop jars lids cook
3340; 2604 16393 DEFAULT shop jars id cook
3490; 0 16390 TABLE DATA shop jars cook
3491; 0 16395 TABLE DATA shop jars lids cook
3503; 0 0 SEQUENCE SET shop jars_id_seq cook
3345; 2606 16394 CONSTRAINT shop jars jars_pkey cook
3346; 1259 16400 INDEX shop jars_by_size cook
3347; 1259 16401 INDEX shop lids_by_size cook
3348; 2606 16402 FK CONSTRAINT shop jars jars_lid_fkey cook
3349; 2620 16403 TRIGGER shop jars told cook
";

    #[test]
    fn a_table_comes_with_what_belongs_to_it_and_nothing_else() {
        let table = DumpedTable {
            schema: "shop".to_owned(),
            table: "jars".to_owned(),
            owner: "cook".to_owned(),
            indexes: vec!["jars_by_size".to_owned(), "jars_pkey".to_owned()],
            sequences: vec![("shop".to_owned(), "jars_id_seq".to_owned())],
            rows: None,
            checksum: None,
        };
        let kept = cut_down(LIST, &[&table]);
        let numbers: Vec<&str> = kept.lines().filter_map(|line| line.split(';').next()).collect();
        let expected = ["6", "220", "219", "3500", "3501", "3502", "3340", "3490", "3503", "3345", "3346"];
        assert_eq!(numbers, expected, "{kept}");
    }
}
