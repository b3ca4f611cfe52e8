//! The variables of a container: names that occur twice, and references to other variables.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use toolforge_model::Untrusted;

use crate::convert::ConversionNote;
use crate::convert::loss::pod_spec;

/// Removes variables that another one of the same name replaces, so each of the others is compared; returns notes about the
/// removed values.
pub(super) fn remove_replaced(object: &mut Value) -> Vec<ConversionNote> {
    let Some((path, pod)) = pod_spec(object) else { return Vec::new() };
    let container = pod["containers"][0]["name"].as_str().map(str::to_owned);
    let list = path.field("containers").item(0, container.as_deref()).field("env");
    let env = object.pointer_mut(&list.pointer()).and_then(Value::as_array_mut);
    let Some(env) = env else { return Vec::new() };
    let mut notes = Vec::new();
    let mut kept: Vec<Value> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for variable in env.drain(..) {
        let name = variable["name"].as_str().unwrap_or_default().to_owned();
        match places.get(&name).and_then(|index| kept.get_mut(*index)) {
            Some(former) => {
                if former["value"] != variable["value"] {
                    let path = list.item(places.get(&name).copied().unwrap_or(0), Some(&name)).field("value");
                    let text = |value: &Value| value["value"].as_str().map(Untrusted::new);
                    let (before, after) = (text(former), text(&variable));
                    notes.push(ConversionNote::Field { object: None, path, before, after });
                }
                *former = variable;
            }
            None => {
                places.insert(name, kept.len());
                kept.push(variable);
            }
        }
    }
    *env = kept;
    notes
}

/// Returns notes about references between variables (`$(NAME)`) that only one of two objects expands: the order differs.
pub(super) fn order_notes(before: &Value, after: &Value) -> Vec<ConversionNote> {
    let (before, after) = (variables(before), variables(after));
    let (old, new) = (expanded(&before), expanded(&after));
    let names: HashSet<&str> = after.iter().map(|(name, _)| *name).collect();
    let mut notes = Vec::new();
    let note = |(name, other): (&str, &str), is_expanded| ConversionNote::VariableOrder {
        name: Untrusted::new(name),
        other: Untrusted::new(other),
        is_expanded,
    };
    let is_kept = |(name, other): &(&str, &str)| names.contains(name) && names.contains(other);
    notes.extend(
        old.iter().filter(|pair| is_kept(pair) && !new.contains(pair)).map(|pair| note(*pair, false)),
    );
    let had: HashSet<&str> = before.iter().map(|(name, _)| *name).collect();
    let was_there = |(name, other): &(&str, &str)| had.contains(name) && had.contains(other);
    notes.extend(
        new.iter().filter(|pair| was_there(pair) && !old.contains(pair)).map(|pair| note(*pair, true)),
    );
    notes
}

/// Returns the names and values of an object's first container.
fn variables(object: &Value) -> Vec<(&str, &str)> {
    let env = pod_spec(object).and_then(|(_, pod)| pod["containers"][0]["env"].as_array());
    env.into_iter()
        .flatten()
        .filter_map(|variable| {
            Some((variable["name"].as_str()?, variable["value"].as_str().unwrap_or_default()))
        })
        .collect()
}

/// Returns each variable whose reference to another one is expanded, with the other one: that one is set before.
fn expanded<'v>(variables: &[(&'v str, &'v str)]) -> Vec<(&'v str, &'v str)> {
    let mut set: HashSet<&str> = HashSet::new();
    let mut found = Vec::new();
    for (name, value) in variables {
        found.extend(references(value).filter_map(|other| set.get(other).map(|other| (*name, *other))));
        set.insert(*name);
    }
    found
}

/// Returns the names in a value that are references: `$(NAME)`, but not `$$(NAME)`.
fn references(value: &str) -> impl Iterator<Item = &str> {
    value.match_indices("$(").filter_map(move |(index, _)| {
        let before = value.get(..index)?;
        let dollars = before.len() - before.trim_end_matches('$').len();
        let name = value.get(index + 2..)?.split(')').next()?;
        (dollars % 2 == 0).then_some(name)
    })
}
