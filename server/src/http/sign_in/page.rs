//! The pages with a form, as HTML. They have the style of the others and none of their code.

use std::fmt::Write as _;

use axum::{
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
};

use crate::{accounts::SignInError, http::headers::FORM_POLICY, site::Site};

/// A page that is being written.
pub(super) struct Page {
    status: StatusCode,
    html: String,
}

/// Something to fill in.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    name: &'a str,
    label: &'a str,
    kind: &'static str,
    value: &'a str,
    autocomplete: &'static str,
}

impl<'a> Field<'a> {
    /// What is chosen, and again.
    pub(super) const NEW_PASSWORD: [Field<'static>; 2] = [
        Field::password("password", "New password", "new-password"),
        Field::password("again", "New password again", "new-password"),
    ];

    pub(super) const fn text(name: &'a str, label: &'a str, value: &'a str) -> Self {
        Self { name, label, kind: "text", value, autocomplete: "username" }
    }

    pub(super) const fn password(name: &'a str, label: &'a str, autocomplete: &'static str) -> Self {
        Self { name, label, kind: "password", value: "", autocomplete }
    }
}

impl Page {
    /// With what went wrong before, if anything did.
    pub(super) fn new(site: &Site, title: &str, error: Option<&SignInError>) -> Self {
        let (style, title) = (escaped(&site.url("kai.css")), escaped(title));
        let mut html = format!(
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <meta name=\"color-scheme\" content=\"dark light\"><title>{title} · KAI Server</title>\
             <link rel=\"icon\" href=\"data:,\"><link rel=\"stylesheet\" href=\"{style}\"></head><body>\
             <header class=\"header\"><a class=\"header__home\" href=\"/\">KAI Server</a></header>\
             <main id=\"content\" class=\"content\"><div class=\"page\"><header class=\"page__head\"><div><h1>{title}</h1>\
             </div></header>"
        );
        if let Some(error) = error {
            let _ =
                write!(html, "<p class=\"form__error\" role=\"alert\">{}</p>", escaped(&app::error::sentence(error)));
        }
        Self { status: error.map_or(StatusCode::OK, SignInError::status), html }
    }

    pub(super) fn says(&mut self, text: &str) {
        let _ = write!(self.html, "<p class=\"quiet\">{}</p>", escaped(text));
    }

    pub(super) fn form(&mut self, action: &str, fields: &[Field<'_>], hidden: &[(&str, &str)], button: &str) {
        let html = &mut self.html;
        // Writing to a text cannot fail.
        let _ = write!(html, "<form class=\"form\" method=\"post\" action=\"{}\">", escaped(action));
        for (name, value) in hidden {
            let _ = write!(html, "<input type=\"hidden\" name=\"{name}\" value=\"{}\">", escaped(value));
        }
        for (index, field) in fields.iter().enumerate() {
            let Field { name, label, kind, value, autocomplete } = field;
            // The first that is still empty.
            let focus =
                if value.is_empty() && fields[..index].iter().all(|f| !f.value.is_empty()) { " autofocus" } else { "" };
            let _ = write!(
                html,
                "<div class=\"field\"><label class=\"field__label\" for=\"{name}\">{label}</label>\
                 <input class=\"input\" id=\"{name}\" name=\"{name}\" type=\"{kind}\" value=\"{}\" \
                 autocomplete=\"{autocomplete}\" spellcheck=\"false\" maxlength=\"1024\" required{focus}></div>",
                escaped(value)
            );
        }
        let button = escaped(button);
        let _ = write!(
            html,
            "<p class=\"form__buttons\"><button class=\"button button--primary\">{button}</button></p></form>"
        );
    }

    pub(super) fn link(&mut self, to: &str, text: &str) {
        let _ = write!(self.html, "<p><a class=\"button\" href=\"{}\">{}</a></p>", escaped(to), escaped(text));
    }

    pub(super) fn answer(mut self) -> Response {
        self.html.push_str("</div></main></body></html>\n");
        let headers = [(header::CONTENT_SECURITY_POLICY, FORM_POLICY), (header::CACHE_CONTROL, "no-store")];
        (self.status, headers, Html(self.html)).into_response()
    }
}

/// As text, and in an attribute between double quotes.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
