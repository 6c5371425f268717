use super::{Facts, figure};
use crate::Cause;

pub(super) const AWS_ALB: Facts = Facts {
    documentation: "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-listeners.html",
    figures: &[figure(
        "idle_timeout.timeout_seconds",
        "60 s",
        "the longest silence in both directions",
        "le plus long silence dans les deux sens",
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html",
    )],
    fixes: &[(Cause::IdleTimeoutIntermediary, "raise idle_timeout.timeout_seconds (the default is 60 s)")],
};
