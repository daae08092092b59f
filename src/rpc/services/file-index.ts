import { type DescFile, type DescMessage, toBinary } from '@bufbuild/protobuf';
import { base64Encode } from '@bufbuild/protobuf/wire';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';

/** Index of the symbols in a set of files and their imports. Names are full, without a leading dot. */
export interface FileIndex {
  /** Services of the given files only, sorted. */
  readonly services: readonly string[];
  /** Files by the path that imports name. */
  readonly byName: ReadonlyMap<string, DescFile>;
  /** Files by message, field, oneof, enum, enum value, extension, service or method. */
  readonly bySymbol: ReadonlyMap<string, DescFile>;
  readonly messages: ReadonlySet<string>;
  /** Files by extended message and number. */
  readonly extensions: ReadonlyMap<string, ReadonlyMap<number, DescFile>>;
}

export function indexFiles(files: readonly DescFile[]): FileIndex {
  const all = new Set(files);
  for (const file of all) for (const dependency of file.dependencies) all.add(dependency);
  const bySymbol = new Map<string, DescFile>();
  const messages = new Set<string>();
  const extensions = new Map<string, Map<number, DescFile>>();

  const addMessage = (message: DescMessage, file: DescFile) => {
    messages.add(message.typeName);
    bySymbol.set(message.typeName, file);
    for (const { name } of [...message.fields, ...message.oneofs]) bySymbol.set(`${message.typeName}.${name}`, file);
    for (const nested of message.nestedMessages) addMessage(nested, file);
    addTypes(message.nestedEnums, message.nestedExtensions, file);
  };
  const addTypes = (enums: DescFile['enums'], extended: DescFile['extensions'], file: DescFile) => {
    for (const one of enums) {
      bySymbol.set(one.typeName, file);
      // values are siblings of their enum, as in C++
      const scope = one.typeName.slice(0, -one.name.length);
      for (const { name } of one.values) bySymbol.set(`${scope}${name}`, file);
    }
    for (const { typeName, extendee, number } of extended) {
      bySymbol.set(typeName, file);
      const numbers = extensions.get(extendee.typeName) ?? new Map<number, DescFile>();
      extensions.set(extendee.typeName, numbers.set(number, file));
    }
  };
  for (const file of all) {
    for (const message of file.messages) addMessage(message, file);
    addTypes(file.enums, file.extensions, file);
    for (const { typeName, methods } of file.services) {
      bySymbol.set(typeName, file);
      for (const { name } of methods) bySymbol.set(`${typeName}.${name}`, file);
    }
  }
  return {
    services: files.flatMap((file) => file.services.map(({ typeName }) => typeName)).sort(),
    byName: new Map([...all].map((file) => [file.proto.name, file])),
    bySymbol,
    messages,
    extensions,
  };
}

/** Returns a file's descriptor in base64, as JSON represents bytes. */
export const encodedFile = (file: DescFile): string => base64Encode(toBinary(FileDescriptorProtoSchema, file.proto));
