//! Secrets of a pipeline, which no output may hold: values of fields and parameters with `*`,
//! passwords within texts, and every text that holds one of them.

use crate::pipeline::{Field, Object, Pipeline};

/// What is shown instead.
pub(crate) const MASK: &str = "••••";

/// Words that name a secret when `=` or `:` and a value follow.
pub(crate) const WORDS: [&str; 6] = ["password", "passwd", "pwd", "secret", "token", "credential"];

/// Options of programs that take a password, by their letter.
const OPTIONS: [(&str, &str); 4] = [
    ("mysql", "-p"),
    ("sqlcmd", "-P"),
    ("bcp", "-P"),
    ("curl", "-u"),
];

/// A secret this short is replaced only where no letter or digit touches it: else it would cut
/// other words in pieces.
const SHORT: usize = 4;

/// The secrets of pipelines.
#[derive(Debug, Clone, Default)]
pub(crate) struct Secrets {
    /// The longest first, so that one that contains another is replaced whole.
    values: Vec<String>,
}

impl Secrets {
    /// All secrets of all pipelines: each may be in any output.
    pub(crate) fn of(pipelines: &[Pipeline]) -> Self {
        let mut secrets = Self::default();
        for pipeline in pipelines {
            for object in &pipeline.objects {
                for field in &object.fields {
                    secrets.add_field(field, field.is_secret());
                    if field.is_secret() {
                        secrets.add_named(pipeline, object, field);
                    }
                }
            }
            for parameter in &pipeline.parameters {
                let is_secret = is_secret(parameter);
                for field in &parameter.fields {
                    let is_value = matches!(field.name(), "default" | "allowedValues");
                    secrets.add_field(field, is_secret && is_value);
                }
            }
            for value in &pipeline.values {
                secrets.add_field(value, pipeline.is_secret_parameter(value.name()));
            }
            for (name, values) in &pipeline.overrides {
                for value in values.iter().filter(|_| pipeline.is_secret_parameter(name)) {
                    secrets.add(value);
                }
            }
            for property in &pipeline.properties {
                secrets.add_field(property, property.is_secret());
            }
            for value in &pipeline.other_secrets {
                secrets.add(value);
            }
        }
        let by_length = |value: &String| std::cmp::Reverse(value.len());
        secrets.values.sort_by_key(by_length);
        secrets.values.dedup();
        secrets
    }

    fn add_field(&mut self, field: &Field, is_secret: bool) {
        for text in field.texts() {
            // A secret given by an expression is the parameter's value.
            if is_secret && !text.starts_with("#{") {
                self.add(text);
            }
            for found in within(text) {
                self.add(found);
            }
        }
        // Arguments in a list: `["--password", "…"]`.
        let texts: Vec<_> = field.texts().collect();
        for pair in texts.windows(2) {
            let option = pair[0].to_ascii_lowercase();
            let names_secret = WORDS.iter().any(|word| option.ends_with(word));
            if option.starts_with('-') && names_secret && !pair[1].starts_with("#{") {
                self.add(pair[1]);
            }
        }
    }

    /// The values of the parameters and fields that the expressions of a secret field name.
    fn add_named(&mut self, pipeline: &Pipeline, object: &Object, field: &Field) {
        let expressions = field.texts().flat_map(|text| text.split("#{").skip(1));
        let names = expressions.flat_map(|text| {
            let expression = text.split('}').next().unwrap_or_default();
            expression.split(|c: char| !c.is_alphanumeric() && c != '_')
        });
        for name in names.filter(|name| !name.is_empty()) {
            let values = pipeline.values.iter().filter(|value| value.name() == name);
            let parameter = pipeline.parameter(name);
            let default = parameter.and_then(|parameter| parameter.own("default"));
            let found = pipeline.find(object, name).map(|(_, field)| field);
            for field in values.chain(default).chain(found) {
                self.add_field(field, true);
            }
            for value in pipeline.overrides.get(name).into_iter().flatten() {
                self.add(value);
            }
        }
    }

    fn add(&mut self, value: &str) {
        if !value.trim().is_empty() && value != MASK {
            self.values.push(value.to_owned());
            // Reports show it on one line.
            self.values.push(crate::text::visible(value));
        }
    }

    /// The text without secrets.
    pub(crate) fn mask(&self, text: &str) -> String {
        let mut masked = text.to_owned();
        for value in &self.values {
            if masked == *value {
                return MASK.to_owned();
            }
            if masked.contains(value.as_str()) {
                masked = replace(&masked, value);
            }
        }
        masked
    }

    /// Whether the text holds a secret.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        self.mask(text) != text
    }
}

/// Whether a parameter is one.
fn is_secret(parameter: &Object) -> bool {
    parameter.id.starts_with('*')
}

fn replace(text: &str, value: &str) -> String {
    if value.chars().count() >= SHORT {
        return text.replace(value, MASK);
    }
    let mut made = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(value) {
        let (before, after) = (&rest[..at], &rest[at + value.len()..]);
        let touches = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
        made.push_str(before);
        if touches(before.chars().next_back()) || touches(after.chars().next()) {
            made.push_str(value);
        } else {
            made.push_str(MASK);
        }
        rest = after;
    }
    made.push_str(rest);
    made
}

/// Passwords in a text: of `password=…` and `--password …`, and of `user:password@host`.
pub(crate) fn within(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    // Of the same length, so that places agree.
    let lower = text.to_ascii_lowercase();
    for word in WORDS {
        for (at, _) in lower.match_indices(word) {
            let after = &text[at + word.len()..];
            let rest =
                after.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_' || c == '-');
            let rest = rest.trim_start_matches(['"', '\'']);
            let is_option = text[..at].ends_with("--");
            // EMR separates the arguments of a step by commas, and a shell may continue a line.
            let spaces = rest.trim_start_matches([' ', '\t', ',']);
            let spaces = spaces.strip_prefix("\\\n").map_or(spaces, str::trim_start);
            let value = match spaces.strip_prefix(['=', ':']) {
                Some(value) => value.trim_start_matches([' ', '\t']),
                None if is_option && spaces.len() < rest.len() => spaces,
                None => continue,
            };
            found.extend(tokens(value));
        }
    }
    for (program, option) in OPTIONS {
        if !lower.contains(program) {
            continue;
        }
        for (at, _) in text.match_indices(option) {
            let after = &text[at + option.len()..];
            let value = after.trim_start_matches([' ', '\t']);
            // `mysql -p shop` asks for the password, and `shop` is the database.
            let is_apart = option == "-p" && value.len() < after.len();
            if is_apart || !text[..at].ends_with(char::is_whitespace) {
                continue;
            }
            found.extend(tokens(value).into_iter().filter_map(|token| match option {
                "-u" => token.split_once(':').map(|(_, password)| password),
                _ => Some(token),
            }));
        }
    }
    for (at, _) in text.match_indices("://") {
        let address = &text[at + 3..];
        let end = address.find([' ', '"', '\'', '\n']);
        let address = &address[..end.unwrap_or(address.len())];
        // A password may hold `/` and `@` itself, so that each `@` may end it.
        let ends = address.match_indices('@').map(|(end, _)| &address[..end]);
        found.extend(ends.filter_map(|user| user.split_once(':').map(|(_, password)| password)));
    }
    found.retain(|value| !value.is_empty() && !value.starts_with("#{") && !value.starts_with('$'));
    found
}

/// The values that may stand at a text's start: a quoted one; else one up to a space, and one up to
/// a separator.
fn tokens(text: &str) -> Vec<&str> {
    let quote = text
        .chars()
        .next()
        .filter(|first| matches!(first, '"' | '\''));
    if let Some(quote) = quote {
        return text[1..].split(quote).next().into_iter().collect();
    }
    let is_end = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`');
    let long = text.split(is_end).next().unwrap_or_default();
    let short = long.split([';', '&', ',', ')', '<', '>', '|']).next();
    short.into_iter().chain([long]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_within_texts_are_found() {
        for (text, secret) in [
            (
                "jdbc:mysql://h:3306/d?user=u&password=hunter2&ssl=1",
                "hunter2",
            ),
            ("jdbc:postgresql://bob:hunter2@h/d", "hunter2"),
            ("mysqldump --password hunter2 -h x", "hunter2"),
            ("export PGPASSWORD='hunter 2'; psql", "hunter 2"),
            ("AWS_SECRET_ACCESS_KEY=abc/def+1 aws s3 ls", "abc/def+1"),
            ("{\"password\": \"hunter2\"}", "hunter2"),
            ("x.jar,import,--password,hunter2,--table,t", "hunter2"),
            ("sqoop --password \\\n  hunter2", "hunter2"),
            ("mysqldump -uroot -phunter2 shop", "hunter2"),
            ("sqlcmd -U sa -P hunter2", "hunter2"),
            ("curl -u bob:hunter2 h", "hunter2"),
        ] {
            assert_eq!(within(text).first(), Some(&secret), "{text}");
        }
        for text in [
            "password=#{*myPassword}",
            "--password $PW",
            "mkdir -p a; mysql -p shop",
            "the password is old",
            "s3://a/b@c",
        ] {
            assert_eq!(within(text), <[&str; 0]>::default(), "{text}");
        }
    }

    #[test]
    fn short_secrets_leave_other_words_whole() {
        let secrets = Secrets {
            values: vec!["hunter2".to_owned(), "ab".to_owned()],
        };
        assert_eq!(
            secrets.mask("x hunter2y ab cab ab"),
            "x ••••y •••• cab ••••"
        );
        assert_eq!(secrets.mask("ab"), MASK);
        assert!(!secrets.is_in("cabbage"));
    }
}
