//! Every verb under faults of the network, the server and proxies: it ends within its bound with the documented exit code,
//! reports nothing false, and the same command without the fault then does what was requested.

mod everything;
mod fault;
mod harmless;
mod kill;
mod proxy;
mod route;
mod steps;
mod table;
mod verbs;
mod writes;
