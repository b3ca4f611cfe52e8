//! The API server's answer to random pods, under random quotas and LimitRanges, is the predicted one.

mod answer;
mod proof;
mod world;
