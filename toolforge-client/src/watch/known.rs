use std::collections::BTreeMap;

use k8s_openapi::Metadata;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::Change;

/// The objects of one kind as a watch has told of them so far, by name; nothing before they have been listed.
pub(crate) struct Known<K>(Option<BTreeMap<String, K>>);

impl<K> Default for Known<K> {
    fn default() -> Self {
        Self(None)
    }
}

impl<K: Metadata<Ty = ObjectMeta> + Clone> Known<K> {
    /// Takes what the watch tells next.
    pub(crate) fn take(&mut self, change: Change<K>) {
        let name = |object: &K| object.metadata().name.clone().unwrap_or_default();
        match change {
            Change::Reset(objects) => {
                self.0 = Some(objects.into_iter().map(|object| (name(&object), object)).collect());
            }
            Change::Applied(object) => {
                self.0.get_or_insert_default().insert(name(&object), object);
            }
            Change::Deleted(object) => {
                self.0.get_or_insert_default().remove(&name(&object));
            }
        }
    }

    /// Returns the objects, or `None` where they have not been listed yet.
    pub(crate) fn all(&self) -> Option<Vec<K>> {
        self.0.as_ref().map(|known| known.values().cloned().collect())
    }
}
