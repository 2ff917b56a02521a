//! Placeholders of templates and shells that nobody replaced.

/// The first placeholder in a text: `${NAME}`, `$(NAME)`, `$NAME`, `{{ name }}`, `{% … %}`, `<% … %>`, `<name>`, `%NAME%`,
/// `@NAME@` and `__NAME__`. Only for texts that are invalid: a valid text may look like one of these.
pub(super) fn placeholder(text: &str) -> Option<&str> {
    const FORMS: [(&str, &str); 9] = [
        ("${", "}"),
        ("$(", ")"),
        ("{{", "}}"),
        ("{%", "%}"),
        ("<%", "%>"),
        ("<", ">"),
        ("%", "%"),
        ("@", "@"),
        ("__", "__"),
    ];
    let of_form = |(begin, end): (&str, &str)| {
        let at = text.find(begin)?;
        let inner = &text[at + begin.len()..];
        let length = inner.find(end)?;
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ' | ':' | '/' | '|');
        let named = inner[..length].contains(char::is_alphanumeric) && inner[..length].chars().all(is_name);
        named.then(|| &text[at..at + begin.len() + length + end.len()])
    };
    FORMS.into_iter().find_map(of_form).or_else(|| shell_variable(text))
}

fn shell_variable(text: &str) -> Option<&str> {
    let at = text.find('$')?;
    let name = &text[at + 1..];
    let length = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len());
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_').then(|| &text[at..=at + length])
}

#[cfg(test)]
mod tests {
    use super::placeholder;

    #[test]
    fn placeholders_are_told_from_texts() {
        for (text, found) in [
            ("${REGISTRY}/kre-py:latest", Some("${REGISTRY}")),
            ("registry/app:${TAG:-latest}", Some("${TAG:-latest}")),
            ("v-{{ version }}", Some("{{ version }}")),
            ("{{ .Values.image.tag }}", Some("{{ .Values.image.tag }}")),
            ("registry/app:<version>", Some("<version>")),
            ("%REGISTRY%/app", Some("%REGISTRY%")),
            ("@project.version@", Some("@project.version@")),
            ("__VERSION__", Some("__VERSION__")),
            ("$TAG", Some("$TAG")),
            ("registry/$IMAGE_NAME:1", Some("$IMAGE_NAME")),
            ("registry/app@sha256:00", None),
            ("costs 5$", None),
            ("a < b", None),
            ("Konstellation/kre-py", None),
            ("50% off", None),
            ("", None),
        ] {
            assert_eq!(placeholder(text), found, "{text}");
        }
    }
}
