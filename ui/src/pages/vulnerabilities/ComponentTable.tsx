// The components of one image that a CVE affects, with the Dockerfile line that brought each.
import { Table, Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';

import type { ImageComponent } from '@/api/ui';
import { sentence } from '@/lib/format';

import { SafeLink } from './SafeLink';

const SOURCES: Record<string, string> = { OS: 'OS package', NODEJS: 'Node.js', GO: 'Go', DOTNETCORERUNTIME: '.NET Core runtime' };

export function ComponentTable({ components, count }: { components: readonly ImageComponent[]; count: number }) {
    return (
        <>
            <Table aria-label="Affected components" variant="compact" borders={false}>
                <Thead>
                    <Tr>
                        <Th>Component</Th>
                        <Th>Version</Th>
                        <Th modifier="nowrap">CVE fixed in</Th>
                        <Th>Advisory</Th>
                        <Th>Source</Th>
                        <Th>Location</Th>
                    </Tr>
                </Thead>
                {components.map((component, index) => (
                    <Tbody key={`${index}-${component.name}`}>
                        <Tr>
                            <Td dataLabel="Component">{component.name}</Td>
                            <Td dataLabel="Version">{component.version}</Td>
                            <Td dataLabel="CVE fixed in">{component.fixedBy || 'Not fixable'}</Td>
                            <Td dataLabel="Advisory">
                                {component.advisory === '' ? '-' : <SafeLink href={component.advisoryLink} text={component.advisory} />}
                            </Td>
                            <Td dataLabel="Source">{SOURCES[component.source] ?? sentence(component.source)}</Td>
                            <Td dataLabel="Location" modifier="breakWord">
                                {component.location || '-'}
                            </Td>
                        </Tr>
                        {component.layerInstruction !== '' && (
                            <Tr>
                                <Td colSpan={6}>
                                    <code className="rox-mono">{`${component.layerInstruction} ${component.layerValue}`}</code>
                                </Td>
                            </Tr>
                        )}
                    </Tbody>
                ))}
            </Table>
            {count > components.length && <p>{`${count - components.length} more components are not shown.`}</p>}
        </>
    );
}
