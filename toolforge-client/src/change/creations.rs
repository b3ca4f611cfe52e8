//! Checks before an object is deleted that is created again.

use toolforge_model::ToolName;
use toolforge_render::change::{Action, Change, StepAction};
use toolforge_render::object::Object;

use crate::{ApiStatus, ApplyError, Client, ObjectPath, StatusKind};

impl Client {
    /// Lets the API server check what a change creates, if it deletes an object first that no tool manages: only the cluster has
    /// its definition, so it must not be deleted if its job would be refused.
    ///
    /// # Errors
    /// When a creation would be refused for another reason than what the deletion frees: the name, and the quota.
    pub(super) async fn check_creations(&self, change: &Change, tool: &ToolName) -> Result<(), ApplyError> {
        let is_deleted = change.steps.iter().any(|step| matches!(step.action, StepAction::Delete { .. }));
        if change.is_managed || change.action != Action::Recreate || !is_deleted {
            return Ok(());
        }
        for step in change.steps.iter().filter(|step| matches!(step.action, StepAction::Create)) {
            let document = step.wanted.as_ref().map(Object::to_json).unwrap_or_default();
            let path = ObjectPath::of(tool, &step.id);
            let Err(error) = self.check_creation(path.collection(), &document).await else { continue };
            let exists = error.api_status().map(ApiStatus::kind) == Some(&StatusKind::AlreadyExists);
            let error = ApplyError::from(error);
            if !exists && error.exceeded().next().is_none() {
                return Err(error);
            }
        }
        Ok(())
    }
}
