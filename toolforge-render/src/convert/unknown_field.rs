//! Fields that an object's kind does not have, such as misspelled ones: they are lost when the object is read.

use toolforge_model::{Location, Untrusted};

use crate::convert::service::selects;
use crate::convert::{ConversionNote, Converter};
use crate::lint::{UnknownField, unknown_fields};
use crate::manifest::Manifest;
use crate::secret::without_secrets_in_text;

impl Converter<'_> {
    /// Adds the jobs and the web service of a text's manifests like [`Converter::add_manifests`], with a note for each field of the
    /// text that no object of its kind has.
    pub fn add_text(&mut self, text: &str, manifests: &[Manifest]) {
        let jobs_before = self.conversion.jobs.len();
        let had_web_service = self.conversion.web_service.is_some();
        self.add_manifests(manifests);
        let fields = unknown_fields(text);
        if fields.is_empty() {
            return;
        }
        let jobs = self.conversion.jobs.iter_mut().skip(jobs_before);
        let jobs = jobs.map(|job| (job.location, &mut job.notes));
        let web = self.conversion.web_service.iter_mut().filter(|_| !had_web_service);
        for (location, notes) in jobs.chain(web.map(|web| (web.location, &mut web.notes))) {
            notes.extend(notes_about(location, &fields, manifests));
            ConversionNote::sort(notes);
        }
    }
}

/// Returns the notes about the unknown fields of the workload at a location, and of the Services that select its pods.
fn notes_about(location: Location, fields: &[UnknownField], manifests: &[Manifest]) -> Vec<ConversionNote> {
    let workload = manifests.iter().find(|manifest| manifest.location == location);
    let services =
        manifests.iter().filter(|service| workload.is_some_and(|workload| selects(service, workload)));
    let objects = services.map(|service| (service.location, Some(service.to_string())));
    let all = [(location, None)].into_iter().chain(objects);
    let notes = all.flat_map(|(location, object)| {
        fields.iter().filter(move |field| field.object == location).map(move |field| {
            ConversionNote::UnknownField {
                object: object.as_deref().map(Untrusted::new),
                path: Untrusted::new(without_secrets_in_text("", &field.path)),
                near: field.near,
            }
        })
    });
    notes.collect()
}
