//! How a command is called and drawn.

use domain::Command;

use crate::ui::icon::Shape;

/// The label of the command's button.
pub fn verb(command: Command) -> &'static str {
    match command {
        Command::Start => "Start",
        Command::Stop => "Stop",
        Command::Publish => "Publish",
        Command::Unpublish => "Unpublish",
        Command::Archive => "Archive",
    }
}

/// What stands beside an action's name, wherever it is offered.
pub fn action_shape(command: Command) -> Shape {
    match command {
        Command::Start => Shape::Play,
        Command::Stop => Shape::Square,
        Command::Publish => Shape::Globe,
        Command::Unpublish => Shape::ArrowDown,
        Command::Archive => Shape::Box,
    }
}
