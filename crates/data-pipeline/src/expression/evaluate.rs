//! Evaluates a field's expressions: other fields, parameters, functions of known values. What only
//! a run knows stays as it was written.

use super::functions::{self, Known};
use super::operate::{Fault, MAX_BYTES, MAX_VALUES, Value, call, combined, operate};
use super::parse::{self, Expr, Part};
use super::template::{Piece, Template};
use crate::ConvertError;
use crate::pipeline::{Field, FieldValue, Object, Pipeline};
use crate::secrets::Secrets;
use std::collections::BTreeSet;

/// The most evaluations for one field: each field may name others several times.
const MAX_STEPS: usize = 100_000;
/// The longest chain of fields that name each other.
const MAX_CHAIN: usize = 100;
/// The deepest nesting of expressions within expressions, over all fields of a chain.
const MAX_DEPTH: usize = 200;

/// What an evaluation reads: the field itself, not those that it reads.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    /// Parameters, without `*`.
    pub parameters: BTreeSet<String>,
    /// Fields of objects: the object's id and the field's name.
    pub fields: BTreeSet<(String, String)>,
}

/// Evaluates fields of a pipeline.
pub(crate) struct Evaluator<'p> {
    pipeline: &'p Pipeline,
    secrets: &'p Secrets,
}

/// One evaluation of a field.
struct Run<'e> {
    evaluator: &'e Evaluator<'e>,
    steps: usize,
    depth: usize,
    /// The fields that are being evaluated, outermost first.
    chain: Vec<(String, String)>,
    trace: Trace,
}

impl<'p> Evaluator<'p> {
    pub(crate) fn new(pipeline: &'p Pipeline, secrets: &'p Secrets) -> Self {
        Self { pipeline, secrets }
    }

    /// Checks the grammar and the functions of an object's own fields, without their values.
    ///
    /// # Errors
    /// Names the field and the expression.
    pub(crate) fn check(&self, object: &Object) -> Result<(), ConvertError> {
        for field in object
            .fields
            .iter()
            .filter(|field| !is_verbatim(field.name()))
        {
            for text in field.texts() {
                let checked = parse::parts(text).and_then(|parts| {
                    parts.iter().try_for_each(|part| match part {
                        Part::Text(_) => Ok(()),
                        Part::Expression(source, expr) => {
                            check_calls(expr).map_err(|why| parse::Fault {
                                expression: crate::text::short(source, 60),
                                why,
                            })
                        }
                    })
                });
                checked.map_err(|parse::Fault { expression, why }| {
                    self.error(object, field, Fault::Expression { expression, why })
                })?;
            }
        }
        Ok(())
    }

    fn error(&self, object: &Object, field: &Field, fault: Fault) -> ConvertError {
        let place = format!("{}.{}", object.id, field.key);
        match fault {
            // Its text may be the secret itself: a password may hold `#{`.
            Fault::Expression { .. } if field.is_secret() => {
                let why = "the value of a secret is no expression that can be evaluated";
                self.pipeline.inconsistent(&place, why)
            }
            Fault::Expression { expression, why } => ConvertError::Expression {
                file: self.pipeline.file.clone(),
                place: self.secrets.mask(&crate::text::visible(&place)),
                expression: self.secrets.mask(&crate::text::visible(&expression)),
                why: self.secrets.mask(&crate::text::visible(&why)),
            },
            Fault::Inconsistent(why) => self.pipeline.inconsistent(&place, why),
        }
    }

    /// Evaluates every text of a field that the object has or inherits, in the object's context.
    ///
    /// # Errors
    /// Names the object, the field and the expression.
    pub(crate) fn field(
        &self,
        object: &Object,
        name: &str,
    ) -> Result<(Vec<Template>, Trace), ConvertError> {
        let Some((_, field)) = self.pipeline.find(object, name) else {
            return Ok((Vec::new(), Trace::default()));
        };
        let mut run = Run {
            evaluator: self,
            steps: 0,
            depth: 0,
            chain: Vec::new(),
            trace: Trace::default(),
        };
        let values = run.field(object, field);
        let values = values.map_err(|fault| self.error(object, field, fault))?;
        Ok((values, run.trace))
    }
}

fn check_calls(expr: &Expr) -> Result<(), String> {
    match expr {
        Expr::Literal(_) | Expr::Number(_) | Expr::Path(_) => Ok(()),
        Expr::Call(name, arguments) => {
            functions::check(name)?;
            arguments.iter().try_for_each(check_calls)
        }
        Expr::Binary(_, left, right) => check_calls(left).and_then(|()| check_calls(right)),
    }
}

/// Fields whose text is never evaluated.
fn is_verbatim(name: &str) -> bool {
    matches!(name, "id" | "name" | "type" | "parent")
}

impl Run<'_> {
    fn pipeline(&self) -> &Pipeline {
        self.evaluator.pipeline
    }

    /// Whether the field itself reads, and not one that it reads.
    fn is_direct(&self) -> bool {
        // A parameter's value, whose link has no object, belongs to the field that reads it.
        let fields = self.chain.iter().filter(|(object, _)| !object.is_empty());
        fields.count() == 1
    }

    fn field(&mut self, object: &Object, field: &Field) -> Result<Vec<Template>, Fault> {
        let link = (object.id.clone(), field.name().to_owned());
        if let Some(first) = self.chain.iter().position(|other| *other == link) {
            let circle = self.chain[first..].iter().chain([&link]);
            let circle: Vec<_> = circle.map(|(id, key)| format!("{id}.{key}")).collect();
            let why = format!("its expressions form a circle: {}", circle.join(" → "));
            return Err(Fault::Inconsistent(crate::text::visible(&why)));
        }
        if self.chain.len() >= MAX_CHAIN {
            let why = format!("its expressions form a chain of more than {MAX_CHAIN} fields");
            return Err(Fault::Inconsistent(why));
        }
        self.chain.push(link);
        let mut all = Vec::new();
        for value in &field.values {
            match value {
                FieldValue::Ref(id) => all.push(Template::known(id)),
                FieldValue::Text(text) if is_verbatim(field.name()) => {
                    all.push(Template::known(text));
                }
                FieldValue::Text(text) => all.extend(self.text(object, text)?),
            }
        }
        self.chain.pop();
        Ok(all)
    }

    /// The values of a text: several if an expression of it is a list.
    fn text(&mut self, object: &Object, text: &str) -> Result<Vec<Template>, Fault> {
        let parts = parse::parts(text).map_err(|fault| Fault::Expression {
            expression: fault.expression,
            why: fault.why,
        })?;
        let mut all = vec![Template::default()];
        for part in parts {
            let values = match part {
                Part::Text(text) => vec![self.known(text)],
                Part::Expression(_, expr) => {
                    let values = self.expr(object, &expr)?;
                    values.into_iter().map(Value::template).collect()
                }
            };
            let mut longer = Vec::new();
            for start in &all {
                for value in &values {
                    let mut made = start.clone();
                    made.extend(value.clone());
                    if made.len() > MAX_BYTES || longer.len() >= MAX_VALUES {
                        let why = format!(
                            "its expressions make more than {MAX_BYTES} bytes or {MAX_VALUES} values"
                        );
                        return Err(Fault::Inconsistent(why));
                    }
                    longer.push(made);
                }
            }
            all = longer;
        }
        Ok(all)
    }

    /// Text as it stands, in which a template's placeholders are open.
    fn known(&self, text: &str) -> Template {
        let mut made = Template::default();
        let mut rest = text;
        while let Some(start) = rest.find('⟨') {
            let after = &rest[start..];
            let found = self
                .pipeline()
                .placeholders
                .iter()
                .find(|(shown, _)| after.starts_with(shown.as_str()));
            let Some((shown, name)) = found else {
                let end = start + '⟨'.len_utf8();
                made.push(Piece::Known(rest[..end].to_owned()));
                rest = &rest[end..];
                continue;
            };
            made.push(Piece::Known(rest[..start].to_owned()));
            made.push(Piece::Missing(name.clone()));
            rest = &after[shown.len()..];
        }
        made.push(Piece::Known(rest.to_owned()));
        made
    }

    fn expr(&mut self, object: &Object, expr: &Expr) -> Result<Vec<Value>, Fault> {
        self.steps += 1;
        self.depth += 1;
        if self.steps > MAX_STEPS || self.depth > MAX_DEPTH {
            let why =
                format!("its expressions take more than {MAX_STEPS} steps or {MAX_DEPTH} levels");
            return Err(Fault::Inconsistent(why));
        }
        let values = self.inner(object, expr)?;
        self.depth -= 1;
        Ok(values)
    }

    fn inner(&mut self, object: &Object, expr: &Expr) -> Result<Vec<Value>, Fault> {
        match expr {
            Expr::Literal(text) => Ok(vec![Value::Known(Known::Text(text.clone()))]),
            Expr::Number(number) => Ok(vec![Value::Known(Known::Number(*number))]),
            Expr::Path(names) => self.path(object, expr, names),
            Expr::Call(name, arguments) => {
                functions::check(name).map_err(|why| Fault::new(expr, why))?;
                let arguments = arguments
                    .iter()
                    .map(|argument| self.expr(object, argument))
                    .collect::<Result<Vec<_>, _>>()?;
                let combined = combined(&arguments).map_err(Fault::Inconsistent)?;
                let call = |arguments: Vec<Value>| call(expr, name, &arguments);
                combined.into_iter().map(call).collect()
            }
            Expr::Binary(sign, left, right) => {
                let is_text =
                    matches!(**left, Expr::Literal(_)) || matches!(**right, Expr::Literal(_));
                let operands = [self.expr(object, left)?, self.expr(object, right)?];
                let combined = combined(&operands).map_err(Fault::Inconsistent)?;
                let operate = |operands: Vec<Value>| operate(expr, *sign, is_text, &operands);
                combined.into_iter().map(operate).collect()
            }
        }
    }

    fn path(
        &mut self,
        object: &Object,
        expr: &Expr,
        names: &[String],
    ) -> Result<Vec<Value>, Fault> {
        let (head, mut rest) = names.split_first().expect("a path has a name");
        let open = || vec![Value::Open(Template::of(Piece::Runtime(expr.shown())))];
        // The object that an alarm or a precondition belongs to: another one for each.
        if head == "node" {
            return Ok(open());
        }
        let mut values = if head == "parent" && !rest.is_empty() {
            vec![Value::Object(object.id.clone())]
        } else {
            match self.name(object, head)? {
                Some(values) => values,
                None if head.starts_with('@') => return Ok(open()),
                None => {
                    let id = &object.id;
                    let why = format!("`{head}` names neither a field of {id} nor a parameter");
                    return Err(Fault::new(expr, why));
                }
            }
        };
        while let Some((name, after)) = rest.split_first() {
            let mut next = Vec::new();
            for value in values {
                let Value::Object(id) = value else {
                    let why = format!("`{name}` is a field of no object");
                    return Err(Fault::new(expr, why));
                };
                let owner = self.evaluator.pipeline.object(&id);
                let owner = owner.expect("references were checked");
                match self.field_of(owner, name)? {
                    Some(found) => next.extend(found),
                    None if name.starts_with('@') => return Ok(open()),
                    None => {
                        let why = format!("{id} has no field `{name}`");
                        return Err(Fault::new(expr, why));
                    }
                }
            }
            values = next;
            rest = after;
        }
        Ok(values)
    }

    /// A field of the object, or a parameter.
    fn name(&mut self, object: &Object, name: &str) -> Result<Option<Vec<Value>>, Fault> {
        let pipeline = self.evaluator.pipeline;
        if let Some(found) = self.field_of(object, name)? {
            return Ok(Some(found));
        }
        if !pipeline.has_parameter(name) {
            return Ok(None);
        }
        let name = name.trim_start_matches('*');
        if self.is_direct() {
            self.trace.parameters.insert(name.to_owned());
        }
        let Some(values) = pipeline.value_of(name) else {
            let missing = Template::of(Piece::Missing(name.to_owned()));
            return Ok(Some(vec![Value::Open(missing)]));
        };
        let mut all = Vec::new();
        let is_secret = pipeline.is_secret_parameter(name);
        for text in values {
            // A value may name other parameters.
            let link = (String::new(), name.to_owned());
            if self.chain.contains(&link) {
                let why = format!("the value of the parameter `{name}` names itself");
                return Err(Fault::Inconsistent(why));
            }
            self.chain.push(link);
            let made = self.text(object, &text).map_err(|fault| match fault {
                Fault::Expression { .. } if is_secret => Fault::Inconsistent(format!(
                    "the value of the parameter `{name}` cannot be evaluated"
                )),
                fault => fault,
            })?;
            all.extend(made.into_iter().map(Value::of));
            self.chain.pop();
        }
        Ok(Some(all))
    }

    fn field_of(&mut self, object: &Object, name: &str) -> Result<Option<Vec<Value>>, Fault> {
        let pipeline = self.evaluator.pipeline;
        let name = name.trim_start_matches('*');
        match name {
            "@id" | "id" => return Ok(Some(vec![Value::of(Template::known(&object.id))])),
            "@name" | "name" => {
                let field = object.own("name").and_then(|field| field.texts().next());
                let name = field.unwrap_or(&object.id);
                return Ok(Some(vec![Value::of(Template::known(name))]));
            }
            "@type" => {
                let found = pipeline.type_of(object);
                return Ok(Some(vec![Value::of(Template::known(found))]));
            }
            _ => {}
        }
        let Some((owner, field)) = pipeline.find(object, name) else {
            return Ok(None);
        };
        if self.is_direct() {
            let read = (owner.id.clone(), field.name().to_owned());
            self.trace.fields.insert(read);
        }
        if field.refs().next().is_some() {
            let refs = field.refs().map(|id| Value::Object(id.to_owned()));
            return Ok(Some(refs.collect()));
        }
        if field.is_secret() {
            return Ok(Some(vec![Value::Open(Template::of(Piece::Secret))]));
        }
        let values = self.field(object, field)?;
        Ok(Some(values.into_iter().map(Value::of).collect()))
    }
}
