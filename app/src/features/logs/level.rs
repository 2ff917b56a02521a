//! How a level looks: a shape, a word and, by the style, a colour.

use domain::LogLevel;

use crate::ui::icon::Shape;

pub(super) fn level_shape(level: LogLevel) -> Shape {
    match level {
        LogLevel::Error => Shape::Cross,
        LogLevel::Warn => Shape::Warning,
        LogLevel::Info => Shape::Info,
        LogLevel::Debug => Shape::Dots,
        LogLevel::Plain => Shape::Minus,
    }
}

pub(super) fn level_word(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Error => "Error",
        LogLevel::Warn => "Warning",
        LogLevel::Info => "Info",
        LogLevel::Debug => "Debug",
        LogLevel::Plain => "No level",
    }
}
