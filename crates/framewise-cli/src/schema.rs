use schemars::generate::SchemaSettings;
use schemars::transform::{Transform as _, transform_subschemas};
use schemars::{JsonSchema, Schema};
use serde_json::Value;

/// The schema (draft 2020-12) of the JSON that a type is serialised to. Its descriptions are the documentation of the fields.
pub(crate) fn of<T: JsonSchema>() -> Schema {
    let mut schema =
        SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>();
    in_terms_of_json.transform(&mut schema);
    schema
}

/// What is `None` in Rust is null in JSON.
fn in_terms_of_json(schema: &mut Schema) {
    if let Some(Value::String(description)) = schema.get_mut("description") {
        *description = description.replace("`None`", "null");
    }
    transform_subschemas(&mut in_terms_of_json, schema);
}
