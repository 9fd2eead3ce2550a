-- Made at the first start of PostgreSQL: a database and a role for each room, and no role opens another's.
-- Rasa reads strangers' words; whoever took it over would still have no way to the ledger. Needs psql 14 (`\getenv`).
\set ON_ERROR_STOP on
\getenv gateway_password GATEWAY_DATABASE_PASSWORD
\getenv binding_password BINDING_DATABASE_PASSWORD
\getenv rasa_password RASA_DATABASE_PASSWORD
CREATE ROLE jiebang_gateway LOGIN PASSWORD :'gateway_password';
CREATE ROLE jiebang_binding LOGIN PASSWORD :'binding_password';
CREATE ROLE jiebang_rasa LOGIN PASSWORD :'rasa_password';
CREATE DATABASE jiebang_gateway OWNER jiebang_gateway;
CREATE DATABASE jiebang_binding OWNER jiebang_binding;
CREATE DATABASE jiebang_rasa OWNER jiebang_rasa;
REVOKE ALL ON DATABASE jiebang_gateway, jiebang_binding, jiebang_rasa FROM PUBLIC;
