//! The program `jobs` with running containers.

mod adopted;
mod by_hand;
mod continuous;
mod corpus;
mod load;
mod one_off;
mod restart;
mod schedule;
mod scheduled;
