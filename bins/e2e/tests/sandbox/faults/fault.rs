//! The faults of the tables.

use std::time::Duration;

/// A fault of the network, the server or a proxy in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// Each answer comes so much later.
    Latency(Duration),
    /// The connection stays, and nothing is read or written.
    HalfOpen,
    /// A request is taken and never answered; the connection works.
    NeverAnswers,
    /// Each connection breaks after so many bytes.
    Reset {
        after: usize,
    },
    /// Each answer breaks in the middle.
    Broken,
    /// Every answer is this refusal.
    Code(u16),
    /// The first requests of a connection get this refusal.
    Busy {
        code: u16,
        times: usize,
        retry_after: bool,
    },
    /// Every answer is an HTML page.
    Html(u16),
    /// Every answer is neither JSON nor text.
    Garbage,
    /// Every answer is empty.
    Empty,
    /// Every body is half as long as it should be.
    Truncated,
    /// Every answer claims to be plain text.
    WrongType,
    /// Every answer is a redirect.
    Redirect,
    /// Every answer has 100 MB.
    Flood,
    /// Every answer has so many bytes each second, and no end.
    Drip {
        bytes: usize,
    },
    /// A list has another page after each page.
    EndlessPages {
        repeats: bool,
    },
    /// Something happens to watches.
    Watch(WatchFault),
}

/// What happens to the frames of a watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WatchFault {
    /// No frame arrives; other protocols are also silent.
    Silent,
    /// A line that never ends.
    EndlessLine,
    /// Each frame comes twice.
    Duplicated,
    /// Each two frames come in the wrong order.
    Reordered,
    /// The answer ends in the middle of the second frame.
    Cut,
}

/// The requests that have a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    All,
    /// Those that write. The server gets them or not.
    Writes {
        forwards: bool,
    },
    /// Those that write, after so many of them. They are held forever; the server gets them or not.
    WritesAfter {
        count: usize,
        forwards: bool,
    },
}

/// The effect of a fault on a verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// The verb does what it does without the fault.
    Harmless,
    /// The verb fails because the cluster does not answer, or not as it should.
    Fatal,
    /// Fatal for verbs that list objects, harmless for others.
    FatalForLists,
    /// Harmless for verbs with few and small answers, fatal for others.
    DependsOnSize,
}

impl Fault {
    /// The faults of all requests.
    pub(crate) const ALL: [Self; 31] = [
        Self::None,
        Self::Latency(Duration::from_millis(300)),
        Self::HalfOpen,
        Self::NeverAnswers,
        Self::Drip { bytes: 1 },
        Self::Drip { bytes: 500 },
        Self::Reset { after: 0 },
        Self::Reset { after: 4000 },
        Self::Broken,
        Self::Code(410),
        Self::Code(429),
        Self::Code(500),
        Self::Code(503),
        Self::Busy { code: 429, times: 3, retry_after: false },
        Self::Busy { code: 429, times: 3, retry_after: true },
        Self::Busy { code: 503, times: 3, retry_after: true },
        Self::Html(200),
        Self::Html(502),
        Self::Garbage,
        Self::Empty,
        Self::Truncated,
        Self::WrongType,
        Self::Redirect,
        Self::Flood,
        Self::EndlessPages { repeats: false },
        Self::EndlessPages { repeats: true },
        Self::Watch(WatchFault::Silent),
        Self::Watch(WatchFault::EndlessLine),
        Self::Watch(WatchFault::Duplicated),
        Self::Watch(WatchFault::Reordered),
        Self::Watch(WatchFault::Cut),
    ];

    /// The faults of requests that write, and whether the server gets the request.
    pub(crate) const OF_WRITES: [(Self, bool); 19] = [
        (Self::NeverAnswers, false),
        (Self::NeverAnswers, true),
        (Self::Broken, false),
        (Self::Broken, true),
        (Self::Code(429), false),
        (Self::Code(500), false),
        (Self::Code(500), true),
        (Self::Code(503), false),
        (Self::Code(504), true),
        (Self::Busy { code: 429, times: 3, retry_after: true }, false),
        (Self::Html(200), false),
        (Self::Html(502), false),
        (Self::Html(502), true),
        (Self::Garbage, true),
        (Self::Empty, true),
        (Self::Truncated, true),
        (Self::WrongType, true),
        (Self::Redirect, false),
        (Self::Flood, true),
    ];

    pub(crate) fn effect(self) -> Effect {
        match self {
            Self::None | Self::Latency(_) | Self::Busy { .. } | Self::WrongType | Self::Watch(_) => {
                Effect::Harmless
            }
            Self::Reset { after: 1.. } => Effect::DependsOnSize,
            Self::EndlessPages { .. } => Effect::FatalForLists,
            Self::HalfOpen
            | Self::NeverAnswers
            | Self::Drip { .. }
            | Self::Reset { .. }
            | Self::Broken
            | Self::Code(_)
            | Self::Html(_)
            | Self::Garbage
            | Self::Empty
            | Self::Truncated
            | Self::Redirect
            | Self::Flood => Effect::Fatal,
        }
    }

    /// Returns the name in the table.
    pub(crate) fn name(self) -> String {
        match self {
            Self::None => "none".to_owned(),
            Self::Latency(latency) => format!("each answer {} ms later", latency.as_millis()),
            Self::HalfOpen => "connection half open".to_owned(),
            Self::NeverAnswers => "no answer".to_owned(),
            Self::Reset { after } => format!("connection reset after {after} bytes"),
            Self::Broken => "answer cut off".to_owned(),
            Self::Code(code) => format!("status {code}"),
            Self::Busy { code, times, retry_after: true } => {
                format!("status {code} with `Retry-After: 1`, {times} times")
            }
            Self::Busy { code, times, retry_after: false } => format!("status {code}, {times} times"),
            Self::Html(code) => format!("HTML page with status {code}"),
            Self::Garbage => "garbage".to_owned(),
            Self::Empty => "empty body".to_owned(),
            Self::Truncated => "half of the body".to_owned(),
            Self::WrongType => "wrong content type".to_owned(),
            Self::Redirect => "redirect".to_owned(),
            Self::Flood => "100 MB".to_owned(),
            Self::Drip { bytes } => format!("endless body, {bytes} B/s"),
            Self::EndlessPages { repeats: true } => "list that repeats a page".to_owned(),
            Self::EndlessPages { repeats: false } => "list with endless pages".to_owned(),
            Self::Watch(WatchFault::Silent) => "silent watch or upgrade".to_owned(),
            Self::Watch(WatchFault::EndlessLine) => "watch line without an end".to_owned(),
            Self::Watch(WatchFault::Duplicated) => "watch frames duplicated".to_owned(),
            Self::Watch(WatchFault::Reordered) => "watch frames reordered".to_owned(),
            Self::Watch(WatchFault::Cut) => "watch cut in a frame".to_owned(),
        }
    }
}
