//! Expressions that were compiled lately: parsing takes longer than answering a request, and the same
//! few expressions come again and again.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use super::{Expression, ExpressionError};

/// Compiled expressions by their text, up to a number; refused texts are not kept.
#[derive(Debug)]
pub struct ExpressionCache {
    most: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    expressions: HashMap<String, (Arc<Expression>, u64)>,
    next_turn: u64,
}

impl ExpressionCache {
    /// Keeps so many expressions; the one used longest ago makes room.
    pub fn new(most: usize) -> Self {
        Self { most, kept: Mutex::default() }
    }

    /// The expression of the text, compiled unless it is kept.
    ///
    /// # Errors
    /// As [`Expression::compile`].
    pub fn compile(&self, text: &str) -> Result<Arc<Expression>, ExpressionError> {
        if let Some(known) = self.find(text) {
            return Ok(known);
        }
        let expression = Arc::new(Expression::compile(text)?);
        self.keep(Arc::clone(&expression));
        Ok(expression)
    }

    fn find(&self, text: &str) -> Option<Arc<Expression>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = kept.next_turn;
        kept.next_turn += 1;
        let (expression, used) = kept.expressions.get_mut(text)?;
        *used = turn;
        Some(Arc::clone(expression))
    }

    fn keep(&self, expression: Arc<Expression>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.expressions.len() >= self.most {
            let oldest = kept.expressions.iter().min_by_key(|(_, (_, used))| *used);
            if let Some(text) = oldest.map(|(text, _)| text.clone()) {
                kept.expressions.remove(&text);
            }
        }
        let turn = kept.next_turn;
        kept.next_turn += 1;
        kept.expressions.insert(expression.text().to_owned(), (expression, turn));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_longest_ago_makes_room() {
        let cache = ExpressionCache::new(2);
        let first = cache.compile("product.price < 1.0").unwrap();
        cache.compile("product.price < 2.0").unwrap();
        assert!(Arc::ptr_eq(&first, &cache.compile("product.price < 1.0").unwrap()));
        cache.compile("product.price < 3.0").unwrap();
        assert!(Arc::ptr_eq(&first, &cache.compile("product.price < 1.0").unwrap()), "it was used since");
        assert!(cache.find("product.price < 2.0").is_none());
        assert!(cache.compile("product.pric < 2.0").is_err());
        assert_eq!(cache.kept.lock().unwrap().expressions.len(), 2);
    }
}
