//! The few icons, drawn here so that no request and no font is needed. Always beside words, so hidden from readers.

use leptos::prelude::*;

/// What an icon shows. Shapes differ, so that colour is never the only sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Square,
    Arc,
    Check,
    ArrowUp,
    Globe,
    ArrowDown,
    Box,
    Cross,
    Warning,
    Question,
    Plus,
    Minus,
    Fit,
    Reply,
    Graph,
    Lines,
    Play,
    Unplug,
    Upload,
    Eye,
    Chip,
    Search,
    Back,
    Copy,
    Info,
    Dots,
    Pause,
    Wrap,
    Download,
    Right,
    Down,
    Bin,
}

impl Shape {
    /// The path on a 16 by 16 grid, stroked.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Square => "M4 4h8v8H4z",
            Self::Arc => "M8 2.5A5.5 5.5 0 1 1 2.5 8",
            Self::Check => "M3 8.5 6.5 12 13 4.5",
            Self::ArrowUp => "M8 13V3M3.5 7.5 8 3l4.5 4.5",
            Self::Globe => "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2M2 8h12M8 2c4 4 4 8 0 12M8 2c-4 4-4 8 0 12",
            Self::ArrowDown => "M8 3v10M3.5 8.5 8 13l4.5-4.5",
            Self::Box => "M2.5 3.5h11v3h-11zM3.5 6.5v6.5h9V6.5M6.5 9h3",
            Self::Cross => "M4 4l8 8M12 4l-8 8",
            Self::Warning => "M8 2.5 14.5 13.5h-13zM8 6.5v3.5M8 11.6v.4",
            Self::Question => "M5.5 6a2.5 2.5 0 1 1 3.6 2.2c-.8.4-1.1.9-1.1 1.8M8 12.4v.3",
            Self::Plus => "M8 3v10M3 8h10",
            Self::Minus => "M3 8h10",
            Self::Fit => "M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10",
            Self::Graph => {
                "M2 6h3.5v4H2zM10.5 2.5H14v4h-3.5zM10.5 9.5H14v4h-3.5zM5.5 8C8.5 8 8 4.5 10.5 4.5M5.5 8c3 0 2.5 3.5 5 3.5"
            }
            Self::Lines => "M2.5 4h11M2.5 8h11M2.5 12h7",
            Self::Reply => "M6 3.5 2.5 7 6 10.5M2.5 7h7a4 4 0 0 1 4 4v1.5",
            Self::Play => "M5 3.5v9l7.5-4.5z",
            Self::Unplug => "M4 8a4 4 0 0 0 4 4v2M12 8a4 4 0 0 1-4 4M3 8h10M6 8V3M10 8V3",
            Self::Upload => "M8 10.5V2.5M4.5 6 8 2.5 11.5 6M2.5 10v3.5h11V10",
            Self::Eye => {
                "M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8zM8 6.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6"
            }
            Self::Search => "M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9M10.3 10.3l3.2 3.2",
            Self::Back => "M6 3.5 2.5 7 6 10.5M2.5 7h7.5a3.5 3.5 0 0 1 0 7H7",
            Self::Copy => "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3",
            Self::Info => "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11M8 7.5v3.5M8 5v.2",
            Self::Dots => "M3.5 8h.4M7.8 8h.4M12.1 8h.4",
            Self::Pause => "M5.5 3.5v9M10.5 3.5v9",
            Self::Wrap => "M2.5 4h11M2.5 8h9a2.2 2.2 0 0 1 0 4.5H8M9.7 10.8 8 12.5l1.7 1.7M2.5 12.5H5",
            Self::Download => "M8 2.5v8M4.5 7 8 10.5 11.5 7M2.5 10v3.5h11V10",
            Self::Right => "M6 4l4 4-4 4",
            Self::Down => "M4 6l4 4 4-4",
            Self::Bin => "M3 4.5h10M6 4.5v-2h4v2M4.5 4.5l.5 9h6l.5-9M7 7v4M9 7v4",
            Self::Chip => {
                "M4.5 4.5h7v7h-7zM6.5 2v2.5M9.5 2v2.5M6.5 11.5V14M9.5 11.5V14M2 6.5h2.5M2 9.5h2.5M11.5 6.5H14M11.5 9.5H14"
            }
        }
    }
}

/// An icon in the size and colour of the text around it.
#[component]
pub fn Icon(#[prop(into)] shape: Signal<Shape>) -> impl IntoView {
    view! {
        <svg class="icon" class:icon--turning=move || shape.get() == Shape::Arc viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
            <path d=move || shape.get().path()></path>
        </svg>
    }
    .into_any()
}
