//! Every verb under faults of the network, the server and proxies: it ends within its bound with the documented exit code,
//! does not report what is not so, and the same command without the fault does what was asked for.

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
