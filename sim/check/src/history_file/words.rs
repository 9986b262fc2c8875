//! The words for what Jepsen's operations do, and what those that are no register's operations mean to a register.
//!
//! A transaction of one read or one write is that read or write. A mutex is a register that is nil while it is free:
//! `:acquire` changes nil to `:held`, and `:release` changes it back.

use super::assemble::Function;
use super::edn::Datum;
use super::problem::{Place, Problem, shown};

/// What `:f` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    Register(Function),
    Transaction,
    Acquire,
    Release,
}

impl Word {
    pub(super) fn named(name: &str) -> Option<Word> {
        Some(match name {
            "txn" => Word::Transaction,
            "acquire" => Word::Acquire,
            "release" => Word::Release,
            name => Word::Register(Function::named(name)?),
        })
    }

    /// What it does to a register, and the value of that. A transaction tells the key as well.
    pub(super) fn meaning(
        self,
        value: Datum,
        key: &mut Option<Datum>,
        place: Place,
    ) -> Result<(Function, Datum), Problem> {
        match self {
            Word::Register(function) => Ok((function, value)),
            Word::Acquire => Ok((Function::Cas, swap(value, [Datum::Nil, held()]))),
            Word::Release => Ok((Function::Cas, swap(value, [held(), Datum::Nil]))),
            Word::Transaction => {
                let (function, of, value) = single(&value).ok_or_else(|| {
                    let what = format!("the transaction {}", shown(&value.canonical()));
                    Problem::new(place, what, "one read or write, as in [[:r 5 nil]] or [[:w 5 1]]")
                })?;
                if key.replace(of).is_some() {
                    return Err(Problem::new(
                        place,
                        "a transaction with :key",
                        "the key in its operation only",
                    ));
                }
                Ok((function, value))
            }
        }
    }
}

fn held() -> Datum {
    Datum::Keyword("held".to_owned())
}

/// The swap of a mutex, of the key that the value tells, if it does.
fn swap(value: Datum, [from, to]: [Datum; 2]) -> Datum {
    let swap = Datum::Sequence(vec![from, to]);
    match value.pair() {
        Some((key, Datum::Nil)) => Datum::Sequence(vec![key.clone(), swap]),
        _ => swap,
    }
}

/// The one operation of a transaction: what it does, its key and its value.
fn single(transaction: &Datum) -> Option<(Function, Datum, Datum)> {
    let Datum::Sequence(operations) = transaction else { return None };
    let [Datum::Sequence(operation)] = &operations[..] else { return None };
    let [Datum::Keyword(word), key, value] = &operation[..] else { return None };
    let function = match word.as_str() {
        "r" => Function::Read,
        "w" => Function::Write,
        _ => return None,
    };
    Some((function, key.clone(), value.clone()))
}
