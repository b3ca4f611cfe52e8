//! What quotas count of PersistentVolumeClaims, including the own claims of pods.

use k8s_openapi::api::core::v1::{
    PersistentVolumeClaim, PersistentVolumeClaimSpec, PersistentVolumeClaimTemplate, PodSpec,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use toolforge_quota::{Amounts, ComputeResource, Demand, Resource};

/// The annotation that named the storage class before it was a field (Kubernetes 1.33 still reads it).
const STORAGE_CLASS: &str = "volume.beta.kubernetes.io/storage-class";

/// Returns what a claim requests.
pub(crate) fn claimed(claim: &PersistentVolumeClaim) -> Amounts {
    claim.spec.as_ref().map(claimed_by).unwrap_or_default()
}

fn claimed_by(spec: &PersistentVolumeClaimSpec) -> Amounts {
    let requests = spec.resources.as_ref().and_then(|resources| resources.requests.as_ref());
    let amount = |(key, quantity): (&String, &Quantity)| {
        let resource = ComputeResource::from(key.as_str());
        let amount = resource.parse_amount(&quantity.0).ok()?;
        Some((resource, amount))
    };
    requests.into_iter().flatten().filter_map(amount).collect()
}

/// Returns what quotas count of a claim in addition to its existence: its storage, and both also for its storage class. The
/// class that the cluster chooses for a claim without one is not known.
pub(crate) fn claim_demand(claim: &PersistentVolumeClaim) -> Demand {
    claim.spec.as_ref().map(|spec| demand_of(Some(&claim.metadata), spec)).unwrap_or_default()
}

fn demand_of(metadata: Option<&ObjectMeta>, spec: &PersistentVolumeClaimSpec) -> Demand {
    let storage = claimed_by(spec).get(&ComputeResource::Storage).unwrap_or(0);
    let annotations = metadata.and_then(|metadata| metadata.annotations.as_ref());
    let class = annotations.and_then(|annotations| annotations.get(STORAGE_CLASS));
    let class = class.or(spec.storage_class_name.as_ref());
    let mut demand = Demand::default();
    demand.add(Resource::from("requests.storage"), storage);
    if let Some(class) = class.filter(|class| !class.is_empty()) {
        let key =
            |counted: &str| Resource::from(format!("{class}.storageclass.storage.k8s.io/{counted}").as_str());
        demand.add(key("requests.storage"), storage);
        demand.add(key("persistentvolumeclaims"), 1);
    }
    demand
}

/// Returns the claims of a pod's generic ephemeral volumes: they are created for the pod and deleted with it.
fn templates(pod: &PodSpec) -> impl Iterator<Item = &PersistentVolumeClaimTemplate> {
    let volumes = pod.volumes.iter().flatten();
    volumes.filter_map(|volume| volume.ephemeral.as_ref()?.volume_claim_template.as_ref())
}

/// Returns what quotas count of a pod's own claims, as long as its object exists.
pub(crate) fn own_claims_demand(pod: &PodSpec) -> Demand {
    let mut demand = Demand::default();
    for template in templates(pod) {
        demand.add(Resource::PersistentVolumeClaims, 1);
        demand.add(Resource::Count("persistentvolumeclaims".to_owned()), 1);
        demand.add_all(&demand_of(template.metadata.as_ref(), &template.spec));
    }
    demand
}

/// Returns what each of a pod's own claims requests.
pub(crate) fn own_claims(pod: &PodSpec) -> impl Iterator<Item = Amounts> {
    templates(pod).map(|template| claimed_by(&template.spec))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(demand: &Demand) -> String {
        let amounts: Vec<String> = demand
            .iter()
            .map(|(resource, amount)| format!("{resource}={}", resource.amount(amount)))
            .collect();
        amounts.join(" ")
    }

    #[test]
    fn claims_count_storage_and_class() {
        let claim = |extra: &str| {
            let text =
                format!(r#"{{"spec": {{"resources": {{"requests": {{"storage": "1.5Gi"}}}}{extra}}}}}"#);
            shown(&claim_demand(&serde_json::from_str(&text).unwrap()))
        };
        assert_eq!(claim(""), "requests.storage=1536Mi");
        assert_eq!(
            claim(r#", "storageClassName": "gold""#),
            "gold.storageclass.storage.k8s.io/persistentvolumeclaims=1 \
             gold.storageclass.storage.k8s.io/requests.storage=1536Mi requests.storage=1536Mi"
        );
    }

    #[test]
    fn pods_count_the_claims_of_ephemeral_volumes() {
        let volume = serde_json::json!({"name": "scratch", "ephemeral": {"volumeClaimTemplate": {
            "metadata": {"annotations": {STORAGE_CLASS: "gold"}},
            "spec": {"resources": {"requests": {"storage": "1Gi"}}},
        }}});
        let pod = serde_json::json!({"containers": [], "volumes": [volume, {"name": "tmp", "emptyDir": {}}]});
        let pod: PodSpec = serde_json::from_value(pod).unwrap();
        assert_eq!(
            shown(&own_claims_demand(&pod)),
            "persistentvolumeclaims=1 count/persistentvolumeclaims=1 \
             gold.storageclass.storage.k8s.io/persistentvolumeclaims=1 \
             gold.storageclass.storage.k8s.io/requests.storage=1Gi requests.storage=1Gi"
        );
        assert_eq!(own_claims(&pod).count(), 1);
    }
}
